/** The sampler's parsers: whatever a server sends, there is a model or one clear line. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { isLatentGpuError } from '../src/errors.ts';
import { load } from '../src/sampler/index.ts';
import { makeModel, writeModel } from './support/sampler.ts';

const FILES = 10_000;

interface Edit {
  isWeights: boolean;
  place: number;
  removed: number;
  added: Uint8Array;
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const edit: fc.Arbitrary<Edit> = fc.record({
  isWeights: fc.boolean(),
  place: fraction,
  removed: fc.nat(4),
  added: fc.uint8Array({ maxLength: 4 }),
});
/** What of the weights is there; mostly all. */
const cut = fc.option(fraction, { nil: 1, freq: 1 });

function edited(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array<ArrayBuffer> {
  let numbers = [...bytes];
  for (const { place, removed, added } of edits) {
    const from = Math.floor(place * numbers.length);
    numbers = [...numbers.slice(0, from), ...added, ...numbers.slice(from + removed)];
  }
  return Uint8Array.from(numbers);
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test(`${FILES} mutated folders`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latentgpu-sampler-fuzz-'));
  // Most of so small a file of weights is its header.
  const made = makeModel({
    shape: [2],
    latent: 1,
    hidden: [2],
    activation: 'tanh',
    likelihood: { kind: 'normal', sigma: 'shared' },
  });
  writeModel(folder, made);
  const json = readFileSync(join(folder, 'model.json'));
  const weights = readFileSync(join(folder, 'weights.safetensors'));
  rmSync(folder, { recursive: true });
  let loaded = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 3 }), cut, async (edits, part) => {
      const files = {
        'model.json': edited(
          json,
          edits.filter(({ isWeights }) => !isWeights),
        ),
        'weights.safetensors': edited(
          weights.subarray(0, Math.floor(part * weights.length)),
          edits.filter(({ isWeights }) => isWeights),
        ),
      };
      vi.stubGlobal(
        'fetch',
        async ({ pathname }: URL) => new Response(files[pathname.slice(1) as keyof typeof files]),
      );
      try {
        const model = await load('http://localhost/', { backend: 'javascript' });
        expect((await model.sample(2)).length).toBe(2 * model.features);
        loaded++;
      } catch (error) {
        expect(isLatentGpuError(error), String(error)).toBe(true);
        expect((error as Error).message).not.toContain('\n');
      }
    }),
    { numRuns: FILES },
  );
  // Some of the changes do no harm, and most do.
  expect(loaded).toBeGreaterThan(FILES / 100);
  expect(loaded).toBeLessThan(FILES / 2);
});
