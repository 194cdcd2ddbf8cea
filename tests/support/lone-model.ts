/**
 * A linear-Gaussian model in which every row has parameters of its own: gradients of one batch are as
 * many independent estimates. p(z) = N(0, 1), p(x | z) = N(w z + b, 1), q(z | x) = N(m, s²), all scalar.
 */
import { Normal, StandardNormal } from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, type Variable } from '../../src/graph/variable.ts';
import type { LatentModel } from '../../src/objectives/index.ts';
import { add, gradient, mul, reshape, sum } from '../../src/ops/index.ts';

export interface LoneValues {
  readonly x: number;
  /** Of the decoder: w and b. */
  readonly weight: number;
  readonly bias: number;
  /** Of the posterior: m and log s. */
  readonly mean: number;
  readonly logStd: number;
}

export class LoneModel implements LatentModel {
  readonly rows: number;
  readonly x: Variable;
  readonly mean: Variable;
  readonly logStd: Variable;
  readonly bias: Variable;
  private readonly weight: number;

  constructor(rows: number, weight: number) {
    this.rows = rows;
    this.weight = weight;
    this.x = input('x', [rows, 1]);
    this.mean = input('m', [rows, 1]);
    this.logStd = input('s', [rows, 1]);
    this.bias = input('b', [rows, 1]);
  }

  posterior(): Normal {
    return new Normal(this.mean, this.logStd);
  }

  decode(z: Tensor): Normal {
    const bias = z.rank === 3 ? reshape(this.bias, [this.rows, 1, 1]) : this.bias;
    return new Normal(add(mul(this.weight, z), bias), mul(0, z));
  }

  prior(): StandardNormal {
    return new StandardNormal([1]);
  }

  /** The gradient of each row's surrogate with respect to its own m, log s and b, [rows, 1] each. */
  gradients(surrogate: Tensor): { mean: Tensor; logStd: Tensor; bias: Tensor } {
    const [mean, logStd, bias] = gradient(sum(surrogate), [this.mean, this.logStd, this.bias]);
    return { mean, logStd, bias } as { mean: Tensor; logStd: Tensor; bias: Tensor };
  }

  values({ x, mean, logStd, bias }: LoneValues): Map<Variable, Float32Array> {
    const all = (value: number) => new Float32Array(this.rows).fill(value);
    return new Map([
      [this.x, all(x)],
      [this.mean, all(mean)],
      [this.logStd, all(logStd)],
      [this.bias, all(bias)],
    ]);
  }
}

/** The gradient of the ELBO with respect to m, log s and b in closed form. */
export function exactElboGradient({ x, weight: w, bias: b, mean: m, logStd }: LoneValues) {
  const variance = Math.exp(2 * logStd);
  const rest = x - w * m - b;
  return { mean: w * rest - m, logStd: 1 - variance * (1 + w * w), bias: rest };
}

/** The exact posterior: m and log s. */
export function exactPosterior({ x, weight: w, bias: b }: LoneValues) {
  return { mean: (w * (x - b)) / (1 + w * w), logStd: -0.5 * Math.log(1 + w * w) };
}
