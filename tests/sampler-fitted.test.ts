/** Codes of a density that was fitted afterwards, played by the small runtime: what `sample --prior fitted` draws. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codesDrawn } from '../src/cli/data/source.ts';
import { type Device, openDevice } from '../src/device/index.ts';
import type { Variable } from '../src/graph/variable.ts';
import { webFiles } from '../src/interchange/web/folder.ts';
import { programOf } from '../src/interchange/web/program.ts';
import { giveWeights, modelJson, openInference, writeWeights } from '../src/models/index.ts';
import { load, type SampleOptions } from '../src/sampler/index.ts';
import { Runtime } from '../src/scheduler/index.ts';
import type { CodeDensity } from '../src/training/code-density.ts';
import { type FamilyCase, sourceOf } from './support/every-family.ts';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
}, 60_000);
afterAll(() => device.destroy());

const LATENT = 3;
const SHAPE = [LATENT];
const NETS = ['latent=3', 'encoder.hidden=6', 'decoder.hidden=6'];
const float32 = (of: ReadonlyMap<Variable, ArrayLike<number>>) =>
  new Map([...of].map(([key, values]) => [key, Float32Array.from(values)]));

/** A density of codes with numbers of its own. */
function densityOf(one: FamilyCase): CodeDensity {
  const { config, model, weights, buffers } = sourceOf({ ...one, shape: SHAPE });
  return {
    ...{ config, model, values: float32(weights), buffers: float32(buffers ?? new Map()) },
    standardization: { mean: Float32Array.of(0.5, -1, 2), std: Float32Array.of(1, 0.5, 3) },
  };
}

const MIXTURE: FamilyCase = { family: 'gmm', set: ['components=2'] };
const FLOW: FamilyCase = { family: 'realnvp', set: ['net.hidden=4', 'depth=2'] };

test.each<[string, FamilyCase, FamilyCase]>([
  ['an autoencoder', { family: 'ae', set: NETS, shape: [5] }, MIXTURE],
  ['a VAE', { family: 'vae', set: [...NETS, 'likelihood.kind=normal'], shape: [5] }, FLOW],
])(
  '%s draws from what was fitted to its codes',
  async (_, one, fitted) => {
    const source = sourceOf(one);
    const prior = densityOf(fitted);
    const folder = mkdtempSync(join(tmpdir(), 'latentgpu-fitted-'));
    const stored = writeWeights(float32(source.weights));
    const description = modelJson(source.config);
    for (const [file, bytes] of webFiles({ ...source, description, stored, prior }, false, 'm')) {
      writeFileSync(join(folder, file), bytes);
    }
    const sampler = await load(folder, { backend: 'javascript' });
    const runtime = new Runtime(device);
    giveWeights(runtime, float32(source.weights));
    const engine = openInference(runtime, source.model);
    const [count, seed] = [70, 11];
    const isMixture = fitted === MIXTURE;
    expect(sampler.clusters).toBe(isMixture ? 2 : 0);
    const groups = new Array<number>(count).fill(1);
    const all: [SampleOptions, Parameters<typeof codesDrawn>[4]][] = [
      [{}, {}],
      isMixture ? [{ cluster: 1 }, { groups }] : [{ temperature: 0.5 }, { temperature: 0.5 }],
    ];
    for (const [asked, how] of all) {
      const codes = await codesDrawn(runtime, prior, count, seed, how);
      const own = await sampler.codes(count, { seed, ...asked });
      own.forEach((z, i) => {
        expect(Math.abs(z - (codes[i] as number))).toBeLessThan(1e-4);
      });
      for (const shown of source.model.can.decode?.draw
        ? (['mean', 'draw'] as const)
        : ['mean' as const]) {
        const wanted = await engine.decode(codes, count, shown, seed);
        const found = await sampler.sample(count, { seed, draw: shown === 'draw', ...asked });
        found.forEach((x, i) => {
          expect(Math.abs(x - (wanted[i] as number)), `${shown} ${i}`).toBeLessThan(1e-4);
        });
      }
    }
    sampler.destroy();
    await engine.destroy();
    runtime.destroy();
    rmSync(folder, { recursive: true });
  },
  120_000,
);

test('codes are drawn from streams of their own: not from those by which one seed decodes them', async () => {
  const runtime = new Runtime(device);
  const { model, values } = densityOf({ family: 'gmm', set: ['components=1'] });
  giveWeights(runtime, values);
  const drawn = async (options = {}) => {
    const asked = openInference(runtime, model, options);
    const rows = await asked.sample(40, 'draw', 11);
    await asked.destroy();
    return rows;
  };
  const [usual, again, other] = [await drawn(), await drawn(), await drawn({ firstStream: 2048 })];
  expect(again).toEqual(usual);
  usual.forEach((value, i) => {
    expect(other[i]).not.toBe(value);
  });
  runtime.destroy();
});

test('what draws place after place has its own prior alone', () => {
  const pixels = [...NETS, 'decoder.receptive=2', 'likelihood.kind=bernoulli'];
  const source = sourceOf({ family: 'vae', set: pixels, shape: [4, 4], isContinuous: false });
  expect(() => programOf({ ...source, prior: densityOf(MIXTURE) })).toThrow(/leave out --prior/);
});
