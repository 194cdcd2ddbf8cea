// A mixture of normals as a model of data.
import { chosenComponents } from '../../../distributions/index.ts';
import type { Shape } from '../../../graph/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import { type Batch, constantInit, Module } from '../../../nn/index.ts';
import {
  add,
  exp,
  log,
  logSoftmax,
  logSumExp,
  matmul,
  maximum,
  mean,
  mul,
  neg,
  randomNormal,
  reshape,
  sub,
  sum,
  transpose,
  unsqueeze,
  where,
} from '../../../ops/index.ts';
import type { Abilities } from '../../abilities.ts';
import type { DataDescription } from '../../data-description.ts';
import type { Learner } from '../../learner.ts';
import type { Model, Portrait } from '../../model.ts';
import { negativeLogLikelihood } from '../../quantities.ts';
import { COVARIANCES, factorShape } from './covariance.ts';
import { jointOf, type Mixtures, seenJointOf } from './density.ts';
import { Em } from './em.ts';
import type { GmmConfig } from './keys.ts';

/** p(x) = Σ_c π_c N(x; μ_c, Σ_c) of rows x [B, D]. */
export class GaussianMixture extends Module implements Model {
  readonly config: GmmConfig;
  readonly features: number;
  /** log π up to a constant, [K]. */
  readonly logWeights: Variable;
  /** [K, D]. */
  readonly mean: Variable;
  /** P with Σ⁻¹ = Pᵀ P, a lower triangle with the logarithm of its diagonal: [K, D, D], or as its kind has it. */
  readonly factor: Variable;
  /** Has variables of its own, so there is one. */
  readonly learner: Learner;

  constructor(config: GmmConfig, { shape, columns }: DataDescription) {
    super();
    const { components, covariance } = config;
    this.config = config;
    this.features = shape.reduce((a, b) => a * b, 1);
    const parameter = (name: string, extents: Shape) =>
      variable(name, extents, { role: 'parameter', init: constantInit(0) });
    this.logWeights = parameter('logWeights', [components]);
    this.mean = parameter('mean', [components, this.features]);
    const [, ...factor] = factorShape(covariance, 1, components, this.features);
    this.factor = parameter('factor', factor);
    this.learner = this.learnerOf(columns);
  }

  private learnerOf(columns: readonly string[] | undefined): Learner {
    const { covariance, start, fit, starts = 1, power = 1, tolerance = 0, ...rest } = this.config;
    const shared = { ...rest, starts, power, tolerance, columns, features: this.features };
    const em = new Em({ ...shared, kind: covariance, how: start, fit }, this);
    if (fit !== 'gradient') return em.learner;
    return {
      initial: (data, seed) => em.initialOfKept(data, seed),
      loss: (batch) => ({ loss: neg(mean(this.logProb(batch))) }),
    };
  }

  override children(): [string, unknown][] {
    return [
      ['logWeights', this.logWeights],
      ['mean', this.mean],
      ['factor', this.factor],
    ];
  }

  private get packed(): Tensor {
    return unsqueeze(this.factor, 0);
  }

  private get mixture(): Mixtures {
    return {
      logWeights: unsqueeze(logSoftmax(this.logWeights), 0),
      mean: unsqueeze(this.mean, 0),
      factor: this.packed,
    };
  }

  /** log p(what is seen, c), [K, B], of rows x [B, D]. */
  private joint({ x, mask }: Batch): Tensor {
    const { covariance } = this.config;
    const { logProb } = mask
      ? seenJointOf(covariance, x, mask, this.mixture)
      : jointOf(covariance, x, this.mixture);
    return reshape(logProb, logProb.shape.slice(1));
  }

  /** log p of what is seen, [B], in nats. */
  logProb(batch: Batch): Tensor {
    return logSumExp(this.joint(batch), 0);
  }

  /** p(c | what is seen), [B, K]. */
  responsibilities(batch: Batch): Tensor {
    const joint = this.joint(batch);
    return transpose(exp(sub(joint, logSumExp(joint, 0, { keepDims: true }))));
  }

  /**
   * What is missing, by the conditionals of all components.
   *
   * @param weights of each row's components [B, K]
   */
  private putIn(
    { x, mask }: Batch,
    weightsOf: (joint: Tensor) => Tensor,
    isDrawn: boolean,
  ): Tensor {
    if (!mask) return x;
    const [rows, features] = x.shape as [number, number];
    const found = seenJointOf(this.config.covariance, x, mask, this.mixture);
    const joint = reshape(found.logProb, found.logProb.shape.slice(1));
    const spread = isDrawn ? found.spread(randomNormal([1, 1, rows, features])) : 0;
    const each = add(add(found.filled, spread), reshape(this.mean, [1, -1, 1, features]));
    const weights = reshape(transpose(weightsOf(joint)), [1, -1, rows, 1]);
    return where(mask, x, sum(mul(weights, each), [0, 1]));
  }

  /** A draw of the component that each row of weights z [B, K] draws: [B, D]. */
  private drawn(z: Tensor): Tensor {
    const rows = z.shape[0] as number;
    const chosen = chosenComponents(log(maximum(z, 1e-30)), rows);
    const noise = randomNormal([1, 1, rows, this.features]);
    const spread = COVARIANCES[this.config.covariance].colour(this.packed, noise);
    // [1, K | 1, B, D], of which each row's component counts.
    const own = reshape(transpose(chosen), [1, -1, rows, 1]);
    return add(matmul(chosen, this.mean), sum(mul(own, spread), [0, 1]));
  }

  get can(): Abilities {
    const { features } = this;
    const { components } = this.config;
    return {
      code: {
        size: components,
        noun: 'responsibilities',
        values: 'responsibilities',
        isStandard: false,
        mean: (batch) => this.responsibilities(batch),
      },
      decode: {
        mean: (z) => matmul(z, this.mean),
        draw: (z) => this.drawn(z),
        isCoarse: true,
        numbers: components * features,
      },
      draw: {
        controls: {},
        codes: (noise) => chosenComponents(logSoftmax(this.logWeights), noise.shape[0] as number),
        groups: { count: components, codes: (chosen) => chosen },
      },
      logWeights: { exact: true, of: (batch: Batch) => this.logProb(batch) },
      impute: {
        kind: 'exact',
        mean: (batch) => this.putIn(batch, (joint) => exp(logSoftmax(transpose(joint))), false),
        draw: (batch) =>
          this.putIn(
            batch,
            (joint) => chosenComponents(transpose(joint), joint.shape[1] as number),
            true,
          ),
        numbers: Math.max(components * features, this.factor.size),
      },
      assign: (batch) => this.responsibilities(batch),
      quantities: (batch) => [negativeLogLikelihood(this.logProb(batch))],
      freedom: this.freedom,
      lacks: LACKS,
    };
  }

  /** Numbers that say which mixture it is: one of them follows from the others' weights. */
  private get freedom(): number {
    const { components, covariance } = this.config;
    const { isShared, freedom } = COVARIANCES[covariance];
    const covariances = isShared ? 1 : components;
    return components * (1 + this.features) - 1 + covariances * freedom(this.features);
  }

  get portrait(): Portrait {
    const { components, covariance } = this.config;
    return {
      inside: `${components} ${components === 1 ? 'component' : 'components'}`,
      line: [`, ${components} components, ${covariance}`, ''],
      facts: [
        ['components', String(components)],
        ['covariances', `${covariance}: ${COVARIANCES[covariance].about}`],
      ],
    };
  }
}

const LACKS = {
  'code.draw': 'a mixture, whose codes are responsibilities and have no draws; leave out --draw',
  'code.logStd':
    'a mixture, whose codes are responsibilities and have no deviations; leave out --std',
  prior: 'a mixture, whose codes are responsibilities: it is a density itself',
  joint: 'a mixture, whose codes are components, and whose posterior and log p(x) are exact',
  bijection: 'no flow but a mixture, which is no bijection',
  binarize: 'a mixture, whose data are not binarised; leave out --binarize',
} as const;
