// Probabilistic PCA by EM (Tipping and Bishop 1999, appendix B), for covariances that are too large to
// decompose. Statistics are of what the old W leaves, so that σ² is no difference of large numbers.
import { cholesky, lowerInverse } from '../../../flows/matrices.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import { add, assign, div, matmul, neg, square, sub, sum, transpose } from '../../../ops/index.ts';
import { boxMuller, Random } from '../../../random.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import { STREAMS } from '../../../streams.ts';
import { meanOf } from '../../covariance-learner.ts';
import type { SweepLearner, TrainingRows } from '../../learner.ts';
import { type Kept, writeKept } from './kept.ts';
import type { Posterior } from './posterior.ts';

interface EmOptions {
  readonly features: number;
  readonly latent: number;
  readonly tolerance: number;
}

/** Passes without progress before the run is done: float32 makes a mean flicker. */
const QUIET = 10;

/** @param posteriorOf posterior means and log p(x) under the parameters at hand */
export function emLearner(
  kept: Kept,
  { features: d, latent: m, tolerance }: EmOptions,
  posteriorOf: (x: Tensor) => Posterior,
): SweepLearner {
  const held = (name: string, shape: number[], fill = 0): Variable =>
    variable(name, shape, {
      init: ([...s]) => new Float32Array(s.reduce((a, b) => a * b, 1)).fill(fill),
    });
  const statistics = {
    /** Σ e ẑᵀ, Σ ẑ ẑᵀ, Σ eᵀe, with e = x - μ - W ẑ. */
    cross: held('cross', [d, m]),
    codes: held('codes', [m, m]),
    left: held('left', []),
    excess: held('excess', []),
    rows: held('rows', []),
  };
  const progress = {
    reference: held('reference', []),
    above: held('above', [], -3e38),
    quiet: held('quiet', []),
  };
  const converged = held('converged', []);
  const gather = (x: Tensor): Tensor[] => {
    const { code, residual, logProb } = posteriorOf(x);
    const { cross, codes, left, excess, rows } = statistics;
    return [
      assign(cross, add(cross, matmul(transpose(residual), code))),
      assign(codes, add(codes, matmul(transpose(code), code))),
      assign(left, add(left, sum(square(residual)))),
      assign(excess, add(excess, sum(sub(logProb, progress.reference)))),
      assign(rows, add(rows, x.shape[0] as number)),
    ];
  };
  const settle = async (runtime: Runtime) => {
    const all = { ...statistics, ...progress, weight: kept.weight, logStd: kept.logStd };
    const names = Object.keys(all) as (keyof typeof all)[];
    const read = await Promise.all(names.map((name) => runtime.read(all[name])));
    const value = Object.fromEntries(
      names.map((name, i) => [name, Float64Array.from(read[i] as Float32Array)]),
    ) as Record<keyof typeof all, Float64Array>;
    const one = (name: keyof typeof all) => value[name][0] as number;
    const next = mStep(
      value.weight,
      Math.exp(2 * one('logStd')),
      { ...value, count: one('rows') },
      d,
      m,
    );
    writeKept(runtime, kept, next);
    const beyond = one('excess') / one('rows');
    const isQuiet = beyond < one('above') + tolerance;
    const mean = one('reference') + beyond;
    const quiet = isQuiet ? one('quiet') + 1 : 0;
    runtime.write(progress.reference, [mean]);
    runtime.write(progress.above, [
      (isQuiet ? one('reference') + one('above') : mean) - Math.fround(mean),
    ]);
    runtime.write(progress.quiet, [quiet]);
    for (const sums of Object.values(statistics)) runtime.write(sums, new Float32Array(sums.size));
    if (quiet >= QUIET) runtime.write(converged, [1]);
  };
  const { excess, rows } = statistics;
  return {
    initial: (data, seed) => initialOf(kept, data, seed, d, m),
    sweep: {
      gather: ({ x }) => gather(x),
      settle,
      metrics: { loss: neg(add(progress.reference, div(excess, rows))) },
      state: progress,
      converged,
    },
  };
}

interface Sums {
  readonly cross: Float64Array;
  readonly codes: Float64Array;
  readonly left: Float64Array;
  readonly count: number;
}

/**
 * With Z = Σ ẑẑᵀ, V = N σ² M⁻¹ and E = Σ e ẑᵀ the new W is W + Δ, Δ = (E - W V)(Z + V)⁻¹, and
 * N D σ'² = Σ eᵀe - 2 tr ΔᵀE + tr Δ Z Δᵀ + tr W' V W'ᵀ.
 */
function mStep(weight: Float64Array, variance: number, sums: Sums, d: number, m: number) {
  const { cross, codes, left, count } = sums;
  const at = (a: Float64Array, i: number, j: number) => a[i * m + j] as number;
  const gram = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) {
      let total = i === j ? variance : 0;
      for (let k = 0; k < d; k++) total += at(weight, k, i) * at(weight, k, j);
      gram[i * m + j] = total;
      gram[j * m + i] = total;
    }
  }
  const spread = inverseOf(gram, m).map((x) => count * variance * x);
  const inverse = inverseOf(
    codes.map((x, i) => x + (spread[i] as number)),
    m,
  );
  const next = new Float64Array(weight);
  let total = left[0] as number;
  const [row, delta] = [new Float64Array(m), new Float64Array(m)];
  for (let k = 0; k < d; k++) {
    for (let j = 0; j < m; j++) {
      let value = at(cross, k, j);
      for (let i = 0; i < m; i++) value -= at(weight, k, i) * at(spread, i, j);
      row[j] = value;
    }
    for (let j = 0; j < m; j++) {
      let value = 0;
      for (let i = 0; i < m; i++) value += (row[i] as number) * at(inverse, i, j);
      delta[j] = value;
      next[k * m + j] = at(weight, k, j) + value;
    }
    for (let j = 0; j < m; j++) {
      total -= 2 * (delta[j] as number) * at(cross, k, j);
      for (let i = 0; i < m; i++) {
        total += (delta[i] as number) * at(codes, i, j) * (delta[j] as number);
        total += at(next, k, i) * at(spread, i, j) * at(next, k, j);
      }
    }
  }
  return { weight: next, variance: Math.max(total / (count * d), Number.MIN_VALUE) };
}

/** A⁻¹ of a symmetric, positive definite A. */
function inverseOf(a: Float64Array, n: number): Float64Array {
  const found = cholesky(a, n);
  if (!('factor' in found))
    throw new Error(`pivot ${found.pivot} of a sum of squares is ${found.value}`);
  const lower = lowerInverse(found.factor, n);
  return Float64Array.from({ length: n * n }, (_, place) => {
    const [i, j] = [Math.floor(place / n), place % n];
    let total = 0;
    for (let k = Math.max(i, j); k < n; k++) {
      total += (lower[k * n + i] as number) * (lower[k * n + j] as number);
    }
    return total;
  });
}

/** The data's mean, half of their variance for σ², and the other half in random directions. */
export function initialOf(kept: Kept, data: TrainingRows, seed: number, d: number, m: number) {
  const { mean, variance } = meanOf(data, d);
  const random = new Random(seed, STREAMS.mixtureStart, 0);
  const scale = Math.sqrt((variance / 2) * (1 / m));
  const weight = Float32Array.from({ length: d * m }, () =>
    boxMuller(() => random.uniform(), scale),
  );
  return new Map<Variable, Float32Array>([
    [kept.mean, Float32Array.from(mean)],
    [kept.weight, weight],
    [kept.logStd, Float32Array.of(0.5 * Math.log(variance / 2))],
  ]);
}
