/** Decoders of series that see the steps before: what they weigh, draws, and draws given what is seen. */
import { expect, test } from 'vitest';
import { variable } from '../src/graph/variable.ts';
import type { Vae } from '../src/models/families/vae/index.ts';
import { AncestralInference, buildModel, impute } from '../src/models/index.ts';
import { settledConfig } from '../src/models/model-json.ts';
import { device } from './support/device.ts';
import { drawnParameters, reals } from './support/engine.ts';

interface Asked {
  readonly shape?: readonly number[];
  readonly latent?: number;
  readonly decoder?: object;
  readonly likelihood: object;
  /** Of a model that is told the class of a row. */
  readonly classNames?: readonly string[];
}

/** A model with numbers in every parameter. */
const modelOf = ({ shape = [7], latent = 2, decoder, likelihood, classNames }: Asked) =>
  buildModel(
    settledConfig({
      family: classNames ? 'cvae' : 'vae',
      data: { shape, sequence: {}, ...(classNames && { classNames }) },
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
  'told what is there': {
    shape: [5, 2],
    decoder: { holes: true },
    likelihood: { kind: 'normal', sigma: 'pixel' },
  },
  'told a class': { classNames: ['a', 'b', 'c'], likelihood: { kind: 'normal' } },
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
  const one = CASES[name] as Asked;
  const model = modelOf(one);
  const [rows, { features, latent }] = [5, model];
  const [x, z] = [variable('x', [rows, features]), variable('z', [rows, latent])];
  await drawnParameters(device, model, async (runtime) => {
    const asked = new AncestralInference(runtime, model);
    const codes = reals('codes', rows * latent, -1, 1);
    const classes = one.classNames && Uint32Array.from({ length: rows }, (_, i) => i % 3);
    const drawn = await asked.drawn(rows, 2, { ...(classes && { labels: classes }) }, (a, b) =>
      codes.subarray(latent * a, latent * b),
    );
    const labels = variable('labels', [rows], { dtype: 'u32' });
    if (classes) runtime.write(labels, classes);
    runtime.write(x, drawn.x);
    runtime.write(z, codes);
    const of = model.decode(z, classes ? { labels } : {});
    const plan = await runtime.compile({ outputs: { logProb: of.logProb(x) } });
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

test('what is seen has a density, whatever stands where nothing is', async () => {
  const model = modelOf({ decoder: { holes: true }, likelihood: { kind: 'bernoulli' } });
  const { features } = model;
  const known = [1, 0, 1, 1, 0, 0, 1];
  const places = known.flatMap((is, t) => (is ? [t] : []));
  const rows = 2 ** places.length;
  const [x, mask, z] = [
    variable('x', [rows, features]),
    variable('mask', [rows, features]),
    variable('z', [rows, model.latent]),
  ];
  await drawnParameters(device, model, async (runtime) => {
    runtime.write(
      mask,
      Float32Array.from({ length: rows * features }, (_, i) => known[i % features] as number),
    );
    runtime.write(z, new Float32Array(rows * model.latent).fill(0.3));
    const plan = await runtime.compile({ outputs: { logProb: model.decode(z).logProb(x, mask) } });
    for (const hidden of [0, 9]) {
      const values = new Float32Array(rows * features).fill(hidden);
      for (let row = 0; row < rows; row++) {
        for (const [k, t] of places.entries()) values[row * features + t] = (row >> k) & 1;
      }
      runtime.write(x, values);
      await plan.run();
      const all = Array.from(await plan.read('logProb'), Math.exp);
      expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan(1e-3);
      expect(all.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
  });
});

test('what does not go together is refused in a line', () => {
  const whole = modelOf({ likelihood: { kind: 'normal' } });
  const x = variable('x', [2, 7]);
  expect(() => whole.decode(variable('z', [2, 2])).logProb(x, x)).toThrow('decoder.holes=true');
  expect(() => modelOf({ likelihood: { kind: 'normal' }, decoder: { receptive: 7 } })).toThrow(
    'decoder.receptive is 7, and series have 7 steps; it may be 6 at most',
  );
});
