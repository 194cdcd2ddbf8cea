/** Long work of the host gives others their turn. */
import { expect, test, vi } from 'vitest';
import { Pauses } from '../src/pauses.ts';

test('others get a turn when theirs is due, and no sooner', async () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
  let turns = 0;
  const pauses = new Pauses();
  const waiting = setInterval(() => void turns++, 0);
  try {
    clock.mockReturnValue(40);
    await pauses.whenDue();
    expect(turns).toBe(0);
    clock.mockReturnValue(60);
    await pauses.whenDue();
    expect(turns).toBeGreaterThan(0);
  } finally {
    clearInterval(waiting);
    clock.mockRestore();
  }
});
