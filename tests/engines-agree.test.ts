/** Losses are the same bits on one engine, run after run, and nearly the same numbers on all. */
import { describe, expect, test } from 'vitest';
import { RemoteRig } from './rig/remote.ts';
import { twiceTrained } from './support/losses.ts';

/** Of a loss; engines differ in how they round a product and a sum. */
const TOLERANCE = 1e-5;

describe('a training', async () => {
  const [onDawn, again] = await twiceTrained();

  test('repeats bit for bit on Dawn', async () => {
    for (const [name, losses] of Object.entries(onDawn)) {
      expect(losses, name).toHaveLength(20);
      expect(losses.every(Number.isFinite), name).toBe(true);
      expect(losses.at(-1), name).toBeLessThan(losses[0] as number);
    }
    expect(again).toEqual(onDawn);
  });

  test.each(['chrome', 'firefox', 'deno'] as const)(
    'repeats bit for bit in %s, and agrees with Dawn',
    async (kind) => {
      const rig = await RemoteRig.open(kind);
      try {
        const [first, second] = await rig.losses();
        expect(second).toEqual(first);
        for (const [name, expected] of Object.entries(onDawn)) {
          const off = expected.map((loss, i) => Math.abs((first[name]?.[i] as number) / loss - 1));
          console.log(`${name} in ${kind}: losses within ${Math.max(...off).toExponential(1)}`);
          expect(Math.max(...off), name).toBeLessThan(TOLERANCE);
        }
      } finally {
        await rig.close();
      }
    },
    180_000,
  );
});
