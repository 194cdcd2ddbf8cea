// Bayesian linear regression as a model of one column given the others.
import { Matrix } from 'ml-matrix';
import { columnsOf } from '../../../categories.ts';
import { LatentGpuError } from '../../../errors.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import { constantInit, Module } from '../../../nn/index.ts';
import {
  add,
  concat,
  equalUint,
  exp,
  iota,
  log,
  matmul,
  mul,
  normalLogProb,
  reshape,
  square,
  sub,
  sum,
  where,
} from '../../../ops/index.ts';
import type { Abilities } from '../../abilities.ts';
import { type Beside, covarianceLearner } from '../../covariance-learner.ts';
import type { DataDescription } from '../../data-description.ts';
import type { SweepLearner } from '../../learner.ts';
import type { Model, Portrait } from '../../model.ts';
import { negativeLogLikelihood } from '../../quantities.ts';
import type { BayesLinearConfig } from './keys.ts';
import { rootOf, type Solution, type Statistics, solveLinear } from './solve.ts';

/**
 * p(y | x) = N(mᵀφ, σ² + φᵀ S φ) of rows x [B, D], of which one column is y, and φ the others with a 1 in
 * that one's place: weight m of that place is the intercept.
 */
export class BayesLinear extends Module implements Model {
  readonly features: number;
  readonly config: BayesLinearConfig;
  /** m, [D]. */
  readonly weight: Variable;
  /** S = L Lᵀ: L, [D, D], or its diagonal, [1, D]; none of a point. */
  readonly factor: Variable | undefined;
  /** log of the noise's deviation, and of the prior's, []. */
  readonly logNoiseStd: Variable;
  readonly logPriorStd: Variable;
  /** log p(y | x) of the rows that were learned from, the bound of q, and how many rows they are, []. */
  readonly evidence: Variable;
  readonly bound: Variable;
  readonly learnedRows: Variable;
  /** Where sums are about: the columns' means, [D]. */
  private readonly about: Variable;
  readonly learner: SweepLearner;
  private readonly targetName: string;

  /** @throws LatentGpuError `bad-config` for a target that is no column, or the only one */
  constructor(config: BayesLinearConfig, { shape, columns, categories }: DataDescription) {
    super();
    const features = shape.reduce((a, b) => a * b, 1);
    if (shape.length !== 1 || features < 2 || config.target >= features) {
      throw new LatentGpuError(
        'bad-config',
        shape.length !== 1 || features < 2
          ? 'bayes-linear predicts a column of a table from the others, and the data are none of two columns or more; name a table'
          : `target is ${config.target}, and columns are 0 to ${features - 1}; name one with --target`,
      );
    }
    this.features = features;
    this.config = config;
    const { fit, target } = config;
    // As --target has it, from 1.
    const number = columnsOf(features, categories).indexOf(target) + 1;
    this.targetName = columns?.[target] ?? `column ${number}`;
    const parameter = (name: string, extents: number[]) =>
      variable(name, extents, { role: 'parameter', init: constantInit(0) });
    const buffer = (name: string) => variable(name, [], { role: 'buffer', init: constantInit(0) });
    this.weight = parameter('weight', [features]);
    if (fit !== 'map') {
      this.factor = parameter(
        'factor',
        fit === 'mean-field' ? [1, features] : [features, features],
      );
    }
    this.logNoiseStd = parameter('logNoiseStd', []);
    this.logPriorStd = parameter('logPriorStd', []);
    this.evidence = buffer('evidence');
    this.bound = buffer('bound');
    this.learnedRows = buffer('learnedRows');
    this.about = variable('about', [features]);
    this.learner = this.learnerOf();
  }

  override children(): [string, unknown][] {
    const { weight, factor, logNoiseStd, logPriorStd, evidence, bound, learnedRows } = this;
    const kept = { weight, factor, logNoiseStd, logPriorStd, evidence, bound, learnedRows };
    return Object.entries(kept).filter(([, held]) => held !== undefined);
  }

  private learnerOf(): SweepLearner {
    const { about, evidence, bound, learnedRows } = this;
    const { fit, priorStd, noiseStd } = this.config;
    const given = (std: number | null) => (std === null ? undefined : std ** -2);
    const learner = covarianceLearner(about, (runtime, covariance, beside) => {
      const statistics = this.statisticsOf(covariance, beside);
      const precisions = { prior: given(priorStd), noise: given(noiseStd) };
      const solution = solveLinear(statistics, fit, precisions);
      for (const [held, values] of this.valuesOf(solution, beside.count)) {
        runtime.write(held, values);
      }
    });
    const state = { about, evidence, bound, learnedRows };
    return { ...learner, sweep: { ...learner.sweep, state } };
  }

  /** Sums of φ φᵀ and so on, from mean and covariance. */
  private statisticsOf(covariance: Float64Array, { count, mean }: Beside): Statistics {
    const { features: d } = this;
    const { target } = this.config;
    const second = (i: number, j: number) =>
      count * ((covariance[i * d + j] as number) + (mean[i] as number) * (mean[j] as number));
    const gram = new Matrix(d, d);
    const cross = new Matrix(d, 1);
    for (let i = 0; i < d; i++) {
      const isOne = i === target;
      cross.set(i, 0, isOne ? count * (mean[target] as number) : second(i, target));
      for (let j = 0; j < d; j++) {
        if (isOne || j === target) {
          const other = isOne ? j : i;
          gram.set(i, j, other === target ? count : count * (mean[other] as number));
        } else gram.set(i, j, second(i, j));
      }
    }
    return { gram, cross, square: second(target, target), rows: count };
  }

  private valuesOf(
    { mean, covariance, prior, noise, evidence, bound }: Solution,
    count: number,
  ): [Variable, Float32Array][] {
    const { factor } = this;
    const root =
      covariance &&
      (this.config.fit === 'mean-field'
        ? covariance.diagonal().map(Math.sqrt)
        : rootOf(covariance).to1DArray());
    return [
      [this.weight, Float32Array.from(mean.to1DArray())],
      ...(factor && root ? [[factor, Float32Array.from(root)] as [Variable, Float32Array]] : []),
      [this.logNoiseStd, Float32Array.of(-0.5 * Math.log(noise))],
      [this.logPriorStd, Float32Array.of(-0.5 * Math.log(prior))],
      [this.evidence, Float32Array.of(evidence)],
      [this.bound, Float32Array.of(bound)],
      [this.learnedRows, Float32Array.of(count)],
    ];
  }

  /** The mean and log deviation of p(y | x), [B, 1] each, and y. */
  private predictive(x: Tensor) {
    const { features, factor, weight } = this;
    const isTarget = equalUint(iota(features), this.config.target);
    const phi = where(isTarget, 1, x);
    const column = (of: Tensor) => reshape(of, [-1, 1]);
    const mean = column(sum(mul(phi, weight), -1));
    const variance = exp(mul(2, this.logNoiseStd));
    const spread = factor && (factor.shape[0] === 1 ? mul(phi, factor) : matmul(phi, factor));
    const whole = spread ? add(variance, column(sum(square(spread), -1))) : variance;
    return { mean, logStd: mul(0.5, log(whole)), target: column(sum(mul(isTarget, x), -1)) };
  }

  /** log p(y | x), [B], in nats. */
  logProb(x: Tensor): Tensor {
    const { mean, logStd, target } = this.predictive(x);
    return sum(normalLogProb(target, mean, logStd), -1);
  }

  get can(): Abilities {
    const { target } = this.config;
    return {
      logWeights: { exact: true, label: '-log p(y | x)', of: ({ x }) => this.logProb(x) },
      densityOf: [target],
      predict: {
        columns: ['mean', 'std'],
        feature: target,
        of: ({ x }) => {
          const { mean, logStd } = this.predictive(x);
          const std = logStd.rank === 0 ? mul(exp(logStd), add(mul(0, mean), 1)) : exp(logStd);
          return concat([mean, std], 1);
        },
      },
      facts: [
        {
          name: 'evidence',
          label: 'log evidence',
          digits: 4,
          of: this.evidence,
          rows: this.learnedRows,
        },
        {
          name: 'bound',
          label: BOUNDS[this.config.fit],
          digits: 4,
          of: this.bound,
          rows: this.learnedRows,
        },
      ],
      quantities: ({ x }) => {
        const { mean, target: y } = this.predictive(x);
        return [
          { ...negativeLogLikelihood(this.logProb(x)), label: '-log p(y | x)' },
          {
            name: 'squaredError',
            label: 'squared error',
            unit: '',
            digits: 4,
            of: sum(square(sub(y, mean)), -1),
          },
        ];
      },
      lacks: LACKS,
    };
  }

  get portrait(): Portrait {
    const { targetName } = this;
    const { fit } = this.config;
    return {
      inside: `${this.features} weights`,
      line: [`, '${targetName}' from the others, ${fit}`, ''],
      facts: [
        ['target', targetName],
        ['posterior of the weights', fit],
      ],
    };
  }
}

const BOUNDS = {
  exact: 'its bound',
  full: 'bound of q',
  'mean-field': 'bound of q',
  map: 'log p(y, w)',
} as const;

const WHAT = 'a regression of one column on the others';
const LACKS = {
  draw: `${WHAT}, which draws no rows; \`latentgpu predict\` tells that column`,
  code: `${WHAT}, which has no codes; \`latentgpu predict\` tells that column`,
  joint: `${WHAT}, which has no codes; its posterior of weights is in closed form`,
  impute: `${WHAT}, which takes no missing values; \`latentgpu predict\` tells that column`,
  assign: `${WHAT}, which knows no groups`,
  bijection: `no flow but ${WHAT}`,
  binarize: `${WHAT}, whose data are not binarised; leave out --binarize`,
} as const;
