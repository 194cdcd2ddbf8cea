/** Priors that are mixtures: their densities against the formula, in float64, and where they start. */
import { expect, test } from 'vitest';
import { NormalMixture } from '../src/distributions/index.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { input } from '../src/graph/variable.ts';
import type { Vae } from '../src/models/index.ts';
import { evaluate } from '../src/ops/index.ts';
import { reals } from './support/engine.ts';
import { vaeOf } from './support/toys.ts';

const [K, M, N] = [3, 2, 7];

/** log Σ_k π_k N(z; μ_k, σ_k) of each row. */
function formula(
  z: ArrayLike<number>,
  weights: number[],
  mean: ArrayLike<number>,
  logStd: ArrayLike<number>,
) {
  return Array.from({ length: z.length / M }, (_, n) => {
    const density = weights.reduce((total, weight, k) => {
      let log = 0;
      for (let m = 0; m < M; m++) {
        const s = Number(logStd[k * M + m]);
        const off = (Number(z[n * M + m]) - Number(mean[k * M + m])) / Math.exp(s);
        log += -0.5 * off * off - s - 0.5 * Math.log(2 * Math.PI);
      }
      return total + weight * Math.exp(log);
    }, 0);
    return Math.log(density);
  });
}

function close(got: ArrayLike<number>, wanted: readonly number[]): void {
  expect(got.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    expect(got[i]).toBeCloseTo(value, 10);
  });
}

test('a mixture weighs its normals by its logits, and alike without any', () => {
  const [z, logits, mean, logStd] = [
    input('z', [N, M]),
    input('logits', [K]),
    input('mean', [K, M]),
    input('logStd', [K, M]),
  ];
  const values = new Map<Tensor, Float32Array>(
    [z, logits, mean, logStd].map((each) => [each, reals(each.name, each.size)]),
  );
  const of = (tensor: Tensor) => values.get(tensor) as Float32Array;
  const all = Array.from(of(logits), Math.exp).reduce((a, b) => a + b, 0);
  const weighed = new NormalMixture({ logits, mean, logStd }).logProb(z);
  const even = new NormalMixture({ mean, logStd }).logProb(z);
  const [first, second] = evaluate([weighed, even], values);
  const weights = Array.from(of(logits), (logit) => Math.exp(logit) / all);
  close(first?.data as Float64Array, formula(of(z), weights, of(mean), of(logStd)));
  close(second?.data as Float64Array, formula(of(z), [1 / K, 1 / K, 1 / K], of(mean), of(logStd)));
});

/** A VAE whose prior is the posteriors of pseudo-inputs. */
const vamp = (components = K): Vae =>
  vaeOf({
    shape: [4],
    latent: M,
    prior: { kind: 'vamp', components },
    objective: { kl: 'sampled' },
  });

test('a VampPrior is the posteriors of its pseudo-inputs, mixed evenly', () => {
  const model = vamp();
  const parameters = new Map(model.namedParameters());
  const pseudo = parameters.get('prior.pseudoInputs') as Tensor;
  expect(pseudo.shape).toEqual([K, 4]);
  const z = input('z', [N, M]);
  const values = new Map<Tensor, Float32Array>(
    [z, ...parameters.values()].map((each) => [each, reals(each.name, each.size)]),
  );
  const q = model.posterior({ x: pseudo });
  const [mean, logStd, prior] = evaluate(
    [q.mean, q.logStd as Tensor, model.prior().logProb(z)],
    values,
  );
  const rows = values.get(z) as Float32Array;
  const [means, deviations] = [mean, logStd].map((each) => each?.data as Float64Array);
  const wanted = formula(
    rows,
    [1 / K, 1 / K, 1 / K],
    means as Float64Array,
    deviations as Float64Array,
  );
  close(prior?.data as Float64Array, wanted);
});

test('pseudo-inputs start as different rows of the data, others for another seed', () => {
  const data = reals('data', 5 * 4);
  const rows = (start: number, end: number) => data.subarray(4 * start, 4 * end);
  const started = (model: Vae, seed: number) => {
    const values = model.learner.initial?.({ count: 5, rows }, seed) ?? new Map();
    return [...values.values()][0] as Float32Array;
  };
  const all = started(vamp(5), 1);
  const sorted = (values: Float32Array) =>
    Array.from({ length: 5 }, (_, i) => values.slice(4 * i, 4 * i + 4).join()).sort();
  expect(sorted(all)).toEqual(sorted(data));
  expect(started(vamp(), 1)).toEqual(started(vamp(), 1));
  expect(started(vamp(), 1)).not.toEqual(started(vamp(), 2));
  expect(() => started(vamp(6), 1)).toThrow('set prior.components=5 or fewer');
});

test('what no mixture goes with is said', () => {
  const refusal = (config: Parameters<typeof vaeOf>[0]) => () => vaeOf(config);
  expect(refusal({ shape: [4], prior: { kind: 'vamp' }, posterior: { kind: 'full' } })).toThrow(
    'prior.kind is vamp, which mixes independent normals, and posterior.kind is full',
  );
  expect(refusal({ shape: [4], prior: { kind: 'mixture' }, code: { kind: 'bernoulli' } })).toThrow(
    'takes uniform or learned',
  );
});
