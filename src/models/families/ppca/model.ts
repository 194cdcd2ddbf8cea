// Probabilistic PCA as a model of data.
import { LatentGpuError } from '../../../errors.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import { type Batch, constantInit, Module, normal } from '../../../nn/index.ts';
import {
  add,
  div,
  exp,
  expand,
  matmul,
  mean,
  mul,
  neg,
  normalLogProb,
  randomNormal,
  reshape,
  sqrt,
  square,
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
import { checkWhole } from '../../seen-rows.ts';
import { emLearner, initialOf } from './em.ts';
import type { PpcaConfig } from './keys.ts';
import { momentsLearner } from './moments.ts';
import { codeLogProb, codeLogStd, drawnCode, posteriorOf } from './posterior.ts';

/** p(x) = N(μ, W Wᵀ + σ² I) of rows x [B, D], with codes z ~ N(0, I) of M numbers. */
export class Ppca extends Module implements Model {
  readonly features: number;
  readonly latent: number;
  /** W, [D, M]. */
  readonly weight: Variable;
  /** μ, [D]. */
  readonly mean: Variable;
  /** log σ, []. */
  readonly logStd: Variable;
  /** Has variables of its own, so there is one. */
  readonly learner: Learner;
  private readonly fit: PpcaConfig['fit'];

  /** @throws LatentGpuError `bad-config` for codes that leave no feature for the noise */
  constructor({ latent, fit, tolerance = 0 }: PpcaConfig, { shape }: DataDescription) {
    super();
    const features = shape.reduce((a, b) => a * b, 1);
    if (latent >= features) {
      throw new LatentGpuError(
        'bad-config',
        features === 1
          ? 'data points are single numbers, and ppca takes two numbers or more; train gmm'
          : `latent is ${latent} and data points have ${features} numbers, which leaves none for the noise; lower it with --set latent=${features - 1}`,
      );
    }
    this.features = features;
    this.latent = latent;
    this.fit = fit;
    const parameter = (name: string, extents: number[], init = constantInit(0)) =>
      variable(name, extents, { role: 'parameter', init });
    this.weight = parameter('weight', [features, latent], normal(1));
    this.mean = parameter('mean', [features]);
    this.logStd = parameter('logStd', []);
    this.learner = this.learnerOf(tolerance);
  }

  private learnerOf(tolerance: number): Learner {
    const { fit, features, latent } = this;
    switch (fit) {
      case 'exact':
        return ofWholeRows(momentsLearner(this, features, latent));
      case 'em':
        return emLearner(this, { features, latent, tolerance });
      default:
        return {
          initial: (data, seed) => initialOf(this, data, seed, features, latent),
          loss: (batch) => ({ loss: neg(mean(this.logProb(batch))) }),
        };
    }
  }

  override children(): [string, unknown][] {
    return [
      ['weight', this.weight],
      ['mean', this.mean],
      ['logStd', this.logStd],
    ];
  }

  /** log p of what is seen, [B], in nats. */
  logProb(batch: Batch): Tensor {
    return posteriorOf(batch, this).logProb;
  }

  /** Posterior means, [B, M]. */
  code(batch: Batch): Tensor {
    return posteriorOf(batch, this).code;
  }

  /**
   * Uᵀ (x - μ) for the directions U of W's columns, which are orthogonal after passes: [B, M]. What is missing
   * counts as it is expected.
   */
  private components(batch: Batch): Tensor {
    const { code, residual } = posteriorOf(batch, this);
    const expected = add(matmul(code, transpose(this.weight)), residual);
    const length = sqrt(sum(square(this.weight), 0));
    return matmul(expected, div(this.weight, length));
  }

  /** A draw of p(z | what is seen), [B, M]. */
  private drawnCode(batch: Batch): Tensor {
    const noise = randomNormal([batch.x.shape[0] as number, this.latent]);
    return drawnCode(this.code(batch), noise, this, batch.mask);
  }

  /** A draw of p(x | z), [B, D]. */
  private drawn(z: Tensor): Tensor {
    const noise = randomNormal([z.shape[0] as number, this.features]);
    return add(this.decode(z), mul(exp(this.logStd), noise));
  }

  /** The mean of p(x | z) of codes z [..., M]: [..., D]. */
  decode(z: Tensor): Tensor {
    return add(matmul(z, transpose(this.weight)), this.mean);
  }

  get can(): Abilities {
    const { features, latent } = this;
    return {
      code: {
        size: latent,
        noun: 'codes',
        values: 'means',
        isStandard: true,
        mean: (batch) => this.code(batch),
        ...(this.fit !== 'gradient' && { components: (batch) => this.components(batch) }),
        draw: (batch) => this.drawnCode(batch),
        logStd: ({ x, mask }) => expand(codeLogStd(this, mask), [x.shape[0] as number, latent]),
        logProb: (batch, z) => {
          const code = this.code(batch);
          const means = z.rank === 2 ? code : reshape(code, [-1, 1, latent]);
          return codeLogProb(z, means, this, batch.mask);
        },
      },
      decode: {
        mean: (z) => this.decode(z),
        draw: (z) => this.drawn(z),
        numbers: features,
      },
      draw: {
        controls: {},
        codes: (noise) => noise,
        logProb: (z) => sum(normalLogProb(z, 0, 0), -1),
      },
      logWeights: { exact: true, of: (batch: Batch) => this.logProb(batch) },
      joint: {
        logPrior: (z) => sum(normalLogProb(z, 0, 0), -1),
        logLikelihood: ({ x, mask }, z) => {
          const each = normalLogProb(unsqueeze(x, 1), this.decode(z), this.logStd);
          return sum(mask ? mul(unsqueeze(mask, 1), each) : each, -1);
        },
      },
      impute: {
        kind: 'exact',
        mean: (batch) => beside(batch, this.decode(this.code(batch))),
        draw: (batch) => beside(batch, this.drawn(this.drawnCode(batch))),
        numbers: latent ** 2,
      },
      freedom: this.freedom,
      quantities: (batch) => {
        const { mask, x } = batch;
        const { code, residual, logProb } = posteriorOf(batch, this);
        return [
          negativeLogLikelihood(logProb),
          {
            name: 'reconstruction',
            label: 'squared error',
            unit: '',
            digits: 4,
            // The mean over what is seen.
            of: div(
              sum(square(mask ? residual : sub(x, this.decode(code))), -1),
              mask ? sum(mask, -1) : features,
            ),
          },
        ];
      },
      lacks: LACKS,
    };
  }

  /** W counts up to a rotation of its columns. */
  private get freedom(): number {
    const { features: d, latent: m } = this;
    return d * m - (m * (m - 1)) / 2 + d + 1;
  }

  get portrait(): Portrait {
    const { latent, fit } = this;
    return {
      inside: `a code of ${latent}`,
      line: [` → ${latent}, ${fit}`, ''],
      facts: [
        ['code', String(latent)],
        ['fitted', HOW[fit]],
      ],
    };
  }
}

/** @throws LatentGpuError, at the start, for rows with holes */
function ofWholeRows(learner: Learner): Learner {
  const initial: Learner['initial'] = (data, seed) => {
    checkWhole('probabilistic PCA', 'exact', 'em', data);
    return learner.initial?.(data, seed) ?? new Map();
  };
  return { ...learner, initial };
}

/** What is seen, and what is put in elsewhere. */
const beside = ({ x, mask }: Batch, put: Tensor): Tensor => (mask ? where(mask, x, put) : x);

const HOW = {
  exact: 'by eigenvectors of the covariance',
  em: 'by expectation maximisation',
  gradient: 'by gradient ascent',
} as const;

const LACKS = {
  'code.components':
    'probabilistic PCA by gradient ascent, whose axes are no principal ones; train it with fit=exact or em',
  bijection: 'no flow but probabilistic PCA, which is no bijection',
  binarize: 'probabilistic PCA, whose data are not binarised; leave out --binarize',
} as const;
