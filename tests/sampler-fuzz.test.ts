/** The sampler's parsers: whatever a server sends, there is a model or one clear line. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { isLatentGpuError } from '../src/errors.ts';
import { writeSafetensors } from '../src/formats/safetensors.ts';
import { programOf } from '../src/interchange/web/program.ts';
import { load } from '../src/sampler/index.ts';
import { type FamilyCase, sourceOf } from './support/every-family.ts';
import { makeModel, writeModel } from './support/sampler.ts';

const FILES = 10_000;
const PROGRAMS = 3_000;
const CONV = [
  'latent=2',
  'encoder.hidden=2',
  'decoder.kind=conv',
  'decoder.channels=2',
  'decoder.strides=2',
  'decoder.kernel=3',
];

/** What a page asks the sampler for of whatever a server sends: numbers, or one clear line. */
async function asked(files: Record<string, Uint8Array<ArrayBuffer>>): Promise<boolean> {
  vi.stubGlobal('fetch', async ({ pathname }: URL) => {
    const body = files[pathname.slice(1)];
    return body ? new Response(body) : new Response('', { status: 404 });
  });
  try {
    const model = await load('http://localhost/', { backend: 'javascript' });
    expect((await model.sample(2)).length).toBe(2 * model.features);
    return true;
  } catch (error) {
    expect(isLatentGpuError(error), String((error as Error).stack)).toBe(true);
    expect((error as Error).message).not.toContain('\n');
    return false;
  }
}

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
      if (await asked(files)) loaded++;
    }),
    { numRuns: FILES },
  );
  // Some of the changes do no harm, and most do.
  expect(loaded).toBeGreaterThan(FILES / 100);
  expect(loaded).toBeLessThan(FILES / 2);
});

/** What is drawn in a pass, and what place after place. */
const PLAYED: readonly [string, FamilyCase][] = [
  ['a pass', { family: 'vae', set: CONV, shape: [4, 4], isContinuous: false }],
  ['steps', { family: 'made', set: ['net.hidden=4', 'masks=2'], shape: [3], isContinuous: false }],
  ['clusters', { family: 'gmm', set: ['components=2'], shape: [2] }],
];

test.each(PLAYED)(
  `${PROGRAMS} mutated programs of %s`,
  async (_, one) => {
    const { json, tensors } = programOf(sourceOf(one));
    const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const { shape, data } = { shape: one.shape as number[], data: [...tensors] };
    const weights = writeSafetensors(data);
    const model = encode({
      format: 2,
      family: one.family,
      data: { shape },
      program: 'program.json',
    });
    // A GPU's kernels are nothing to JavaScript.
    const program = encode({ ...json, kernels: [] });
    let played = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 2 }), async (edits) => {
        const isPlayed = await asked({
          'model.json': model as Uint8Array<ArrayBuffer>,
          'weights.safetensors': weights as Uint8Array<ArrayBuffer>,
          'program.json': edited(program, edits),
        });
        if (isPlayed) played++;
      }),
      { numRuns: PROGRAMS },
    );
    expect(played).toBeGreaterThan(PROGRAMS / 100);
    expect(played).toBeLessThan(PROGRAMS / 2);
  },
  120_000,
);
