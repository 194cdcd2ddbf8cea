// x_i = μ_i + Σ_j W_ij (x_j - μ_j) + σ_i ε with j before i, by at most `order`.
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import { constantInit, Module } from '../../../nn/index.ts';
import {
  add,
  addUint,
  assign,
  exp,
  full,
  gather,
  matmul,
  mul,
  normalLogProb,
  randomNormal,
  reshape,
  scatterRows,
  sub,
  sum,
  transpose,
  zeros,
} from '../../../ops/index.ts';
import type { Walk } from '../../abilities.ts';
import type { Steps } from '../../by-channel.ts';
import { covarianceLearner } from '../../covariance-learner.ts';
import type { Learner, SweepLearner } from '../../learner.ts';
import type { ArDensity } from './density.ts';
import { leastSquares } from './least-squares.ts';

export class LinearAr extends Module implements ArDensity {
  /** W, [D, D], of which what lies before the feature counts. */
  readonly weight: Variable;
  /** μ and log σ, [D]. */
  readonly mean: Variable;
  readonly logStd: Variable;
  private readonly mask: Variable;
  private readonly features: number;
  private readonly order: number;
  private readonly nameOf: (feature: number) => string;

  constructor(features: number, order: number, nameOf: (feature: number) => string) {
    super();
    this.features = features;
    this.order = order;
    this.nameOf = nameOf;
    const parameter = (name: string, extents: number[]) =>
      variable(name, extents, { role: 'parameter', init: constantInit(0) });
    this.weight = parameter('weight', [features, features]);
    this.mean = parameter('mean', [features]);
    this.logStd = parameter('logStd', [features]);
    this.mask = variable('mask', [features, features], {
      init: () =>
        Float32Array.from({ length: features * features }, (_, at) => {
          const lag = Math.floor(at / features) - (at % features);
          return lag >= 1 && lag <= order ? 1 : 0;
        }),
    });
  }

  override children(): [string, unknown][] {
    return [
      ['weight', this.weight],
      ['mean', this.mean],
      ['logStd', this.logStd],
    ];
  }

  get freedom(): number {
    const { features: d, order: p } = this;
    // Feature i has min(i, p) before it.
    return 2 * d + d * p - (p * (p + 1)) / 2;
  }

  private get counted(): Tensor {
    return mul(this.weight, this.mask);
  }

  logProb(x: Tensor): Tensor {
    const centred = sub(x, this.mean);
    const told = matmul(centred, transpose(this.counted));
    return sum(normalLogProb(centred, told, this.logStd), -1);
  }

  byChannel(x: Tensor, seen: Tensor, { steps, channels }: Steps): Tensor {
    const told = matmul(sub(seen, this.mean), transpose(this.counted));
    const each = normalLogProb(sub(x, this.mean), told, this.logStd);
    return sum(reshape(each, [-1, steps, channels]), 1);
  }

  walk(rows: number): Walk {
    const { features } = this;
    // A feature a row, about its mean; rows that are not drawn yet do not count.
    const data = variable('data', [features, rows]);
    const weight = variable('counted', [features, features]);
    const logProb = variable('logProb', [rows]);
    const known = variable('known', [1], { dtype: 'u32' });
    const told = matmul(gather(weight, known), data);
    const logStd = gather(reshape(this.logStd, [features, 1]), known);
    const noise = reshape(randomNormal([rows, 1]), [1, rows]);
    const value = add(told, mul(exp(logStd), noise));
    const density = reshape(normalLogProb(value, told, logStd), [rows]);
    return {
      start: [
        assign(data, zeros(data.shape)),
        assign(weight, this.counted),
        assign(logProb, zeros([rows])),
        assign(known, full([1], 0, 'u32')),
      ],
      legs: [
        {
          effects: [
            scatterRows(data, known, value),
            assign(logProb, add(logProb, density)),
            assign(known, addUint(known, 1)),
          ],
          times: features,
        },
      ],
      rounds: 1,
      result: { x: add(transpose(data), this.mean), logProb },
      state: [data, weight, logProb, known],
    };
  }

  /** By least squares, in one pass. */
  exactly(): SweepLearner {
    return covarianceLearner(this.mean, (runtime, covariance) => {
      const { weight, std } = leastSquares(covariance, this.features, this.order, this.nameOf);
      runtime.write(this.weight, Float32Array.from(weight));
      runtime.write(this.logStd, Float32Array.from(std, Math.log));
    });
  }

  /** What gradient ascent begins with: the data's mean. */
  get initial(): Learner['initial'] {
    return covarianceLearner(this.mean, () => {}).initial;
  }
}
