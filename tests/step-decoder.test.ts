/** Decoders of series that see the steps before: what they weigh, draws, and draws given what is seen. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adapterLine, type Device, openDevice } from '../src/device/index.ts';
import { variable } from '../src/graph/variable.ts';
import type { Vae } from '../src/models/families/vae.ts';
import { AncestralInference, buildModel, impute } from '../src/models/index.ts';
import { settledConfig } from '../src/models/model-json.ts';
import { drawnParameters, reals } from './support/engine.ts';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
  console.log(`adapter: ${adapterLine(device.adapter)}`);
}, 60_000);
afterAll(() => device?.destroy());

interface Asked {
  readonly shape?: readonly number[];
  readonly latent?: number;
  readonly decoder?: object;
  readonly likelihood: object;
}

/** A model with numbers in every parameter. */
const modelOf = ({ shape = [7], latent = 2, decoder, likelihood }: Asked) =>
  buildModel(
    settledConfig({
      family: 'vae',
      data: { shape, sequence: {} },
      latent,
      encoder: { hidden: [5] },
      decoder: { hidden: [5], receptive: 3, stepChannels: 4, maps: 2, ...decoder },
      likelihood,
    }),
    1,
  ) as Vae;

const CASES: Record<string, Asked> = {
  'normal, one deviation': { likelihood: { kind: 'normal' } },
  'normal, a deviation of each step': { likelihood: { kind: 'normal', sigma: 'pixel' } },
  'of two channels': { shape: [5, 2], likelihood: { kind: 'normal', sigma: 'pixel' } },
  't of two channels': { shape: [5, 2], likelihood: { kind: 'student-t' } },
  bernoulli: { likelihood: { kind: 'bernoulli' } },
  'classes of two channels': { shape: [4, 2], likelihood: { kind: 'categorical', levels: 3 } },
  'a recurrent net behind it': {
    decoder: { kind: 'recurrent', hidden: [4] },
    likelihood: { kind: 'normal' },
  },
  'convolutions behind it': {
    shape: [8, 2],
    decoder: { kind: 'conv1d', channels: [4, 3], hidden: undefined },
    likelihood: { kind: 'normal' },
  },
};

test.each(Object.keys(CASES))('%s: draws tell the density that one pass gives', async (name) => {
  const model = modelOf(CASES[name] as Asked);
  const [rows, { features, latent }] = [5, model];
  const [x, z] = [variable('x', [rows, features]), variable('z', [rows, latent])];
  await drawnParameters(device, model, async (runtime) => {
    const asked = new AncestralInference(runtime, model);
    const codes = reals('codes', rows * latent, -1, 1);
    const drawn = await asked.drawn(rows, 2, {}, (a, b) => codes.subarray(latent * a, latent * b));
    runtime.write(x, drawn.x);
    runtime.write(z, codes);
    const plan = await runtime.compile({ outputs: { logProb: model.decode(z).logProb(x) } });
    await plan.run();
    const forced = await plan.read('logProb');
    drawn.logProb.forEach((value, i) => {
      const bound = 1e-5 * Math.max(1, Math.abs(value));
      expect(Math.abs(value - (forced[i] as number)), `row ${i}`).toBeLessThan(bound);
    });
    expect(new Set(drawn.x).size).toBeGreaterThan(1);
    await asked.destroy();
  });
});

/**
 * E[x | what is seen] of 0/1 series under a code of one number, by going through what is hidden and through
 * a grid of codes, with the densities of one pass.
 */
async function exactly(
  model: Vae,
  runtime: Parameters<Parameters<typeof drawnParameters>[2]>[0],
  seen: readonly number[],
  hidden: readonly number[],
): Promise<{ mean: number[] }> {
  const GRID = 201;
  const fillings = 2 ** hidden.length;
  const rows = GRID * fillings;
  const [x, z] = [variable('x', [rows, seen.length]), variable('z', [rows, 1])];
  const codes = Float32Array.from({ length: rows }, (_, i) => -6 + (12 * (i % GRID)) / (GRID - 1));
  const values = Float32Array.from({ length: rows * seen.length }, (_, at) => {
    const [row, t] = [Math.floor(at / seen.length), at % seen.length];
    const place = hidden.indexOf(t);
    return place < 0 ? (seen[t] as number) : (Math.floor(row / GRID) >> place) & 1;
  });
  runtime.write(x, values);
  runtime.write(z, codes);
  const plan = await runtime.compile({ outputs: { logProb: model.decode(z).logProb(x) } });
  await plan.run();
  const weights = Array.from(await plan.read('logProb'), (log, i) =>
    Math.exp(log - 0.5 * (codes[i] as number) ** 2),
  );
  plan.destroy();
  const total = weights.reduce((a, b) => a + b, 0);
  const mean = seen.map(
    (_, t) =>
      weights.reduce((sum, w, i) => sum + w * (values[i * seen.length + t] as number), 0) / total,
  );
  return { mean };
}

test.each([
  ['last', [5, 6]],
  ['middle', [2, 3]],
  ['first', [0, 1]],
  ['here and there', [1, 3, 6]],
])('%s: particles find what is hidden as going through all of it does', async (_, hidden) => {
  const model = modelOf({ latent: 1, likelihood: { kind: 'bernoulli' } });
  const seen = [1, 0, 0, 1, 1, 0, 1];
  const samples = 2000;
  await drawnParameters(device, model, async (runtime) => {
    const mask = Float32Array.from(seen, (_, t) => (hidden.includes(t) ? 0 : 1));
    const shown = Float32Array.from(seen, (value, t) => value * (mask[t] as number));
    const source = Object.assign(() => shown, { mask: () => mask });
    const found = await impute(runtime, model, source, 1, { samples, draws: 3 });
    const wanted = await exactly(model, runtime, seen, hidden);
    const [ess] = found.effectiveSampleSize as Float64Array;
    // Particles drawn anew are copies: they count for fewer than they are.
    const bound = 5 * (0.5 / Math.sqrt((ess as number) / 4));
    expect(bound).toBeLessThan(0.25);
    wanted.mean.forEach((mean, t) => {
      expect(Math.abs(mean - (found.mean[t] as number)), `step ${t}`).toBeLessThan(
        hidden.includes(t) ? bound : 1e-5,
      );
    });
    expect(found.draws.length).toBe(3 * seen.length);
    found.draws.forEach((value, at) => {
      const t = at % seen.length;
      if (hidden.includes(t)) expect([0, 1]).toContain(Math.round(value * 1e4) / 1e4);
      else expect(value).toBeCloseTo(seen[t] as number, 4);
    });
    // The same row, asked for again beside another.
    const two = Object.assign((a: number, b: number) => repeated(shown, b - a), {
      mask: (a: number, b: number) => repeated(mask, b - a),
    });
    const again = await impute(runtime, model, two, 1, { samples, draws: 3 });
    expect(again.mean).toEqual(found.mean);
  });
});

const repeated = (row: Float32Array, times: number) =>
  Float32Array.from({ length: times * row.length }, (_, i) => row[i % row.length] as number);

test('what does not go together is refused in a line', () => {
  expect(() => modelOf({ likelihood: { kind: 'normal' }, decoder: { receptive: 7 } })).toThrow(
    'decoder.receptive is 7, and series have 7 steps; it may be 6 at most',
  );
});
