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
  square,
  sub,
  sum,
  transpose,
} from '../../../ops/index.ts';
import type { DataDescription } from '../../data-description.ts';
import type { Abilities, Model, Portrait } from '../../family.ts';
import type { Learner } from '../../learner.ts';
import { negativeLogLikelihood } from '../../quantities.ts';
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
        `latent is ${latent} and data points have ${features} numbers, which leaves none for the noise; lower it with --set latent=${Math.max(1, features - 1)}`,
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
        return momentsLearner(this, features, latent);
      case 'em':
        return emLearner(this, { features, latent, tolerance }, (x) => posteriorOf(x, this));
      default:
        return {
          initial: (data, seed) => initialOf(this, data, seed, features, latent),
          loss: ({ x }) => ({ loss: neg(mean(this.logProb(x))) }),
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

  /** log p(x), [B], in nats. */
  logProb(x: Tensor): Tensor {
    return posteriorOf(x, this).logProb;
  }

  /** Posterior means, [B, M]. */
  code(x: Tensor): Tensor {
    return posteriorOf(x, this).code;
  }

  /** The mean of p(x | z) of codes z [B, M]: [B, D]. */
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
        mean: ({ x }) => this.code(x),
        draw: ({ x }) =>
          drawnCode(this.code(x), randomNormal([x.shape[0] as number, latent]), this),
        logStd: ({ x }) => expand(codeLogStd(this), [x.shape[0] as number, latent]),
        logProb: ({ x }, z) => {
          const code = this.code(x);
          const rows = x.shape[0] as number;
          return codeLogProb(z, z.rank === 2 ? code : reshape(code, [rows, 1, latent]), this);
        },
      },
      decode: {
        mean: (z) => this.decode(z),
        draw: (z) => {
          const noise = randomNormal([z.shape[0] as number, features]);
          return add(this.decode(z), mul(exp(this.logStd), noise));
        },
        numbers: features,
      },
      draw: {
        controls: {},
        codes: (noise) => noise,
        logProb: (z) => sum(normalLogProb(z, 0, 0), -1),
      },
      logWeights: { exact: true, of: ({ x }: Batch) => this.logProb(x) },
      freedom: this.freedom,
      quantities: ({ x }) => [
        negativeLogLikelihood(this.logProb(x)),
        {
          name: 'reconstruction',
          label: 'squared error',
          unit: '',
          digits: 4,
          of: div(sum(square(sub(x, this.decode(this.code(x)))), -1), features),
        },
      ],
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

const HOW = {
  exact: 'by eigenvectors of the covariance',
  em: 'by expectation maximisation',
  gradient: 'by gradient ascent',
} as const;

const LACKS = {
  bijection: 'no flow but probabilistic PCA, which is no bijection',
  binarize: 'probabilistic PCA, whose data are not binarised; leave out --binarize',
} as const;
