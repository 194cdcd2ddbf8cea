import { expect } from 'vitest';
import { LatentGpuError } from '../../src/errors.ts';

/** `code: message` of a refusal; anything thrown must be a LatentGpuError of one line. */
function lineOf(error: unknown): string {
  if (!(error instanceof LatentGpuError)) throw error;
  expect(error.message).not.toContain('\n');
  expect(error.message.length).toBeLessThan(600);
  return `${error.code}: ${error.message}`;
}

/** What `work` refuses its input with, or `undefined` if it does not. */
export function refusalOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return lineOf(error);
  }
}

/** What `work` refuses its input with; it must. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('was not refused'),
    (reason: unknown) => reason,
  );
  return lineOf(error);
}
