// The deterministic autoencoder: a code of M numbers, trained for reconstruction alone.
import type { Category } from '../../categories.ts';
import type { Distribution } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type LinearInit, Module } from '../../nn/index.ts';
import { mean, neg } from '../../ops/index.ts';
import type { Schema } from '../../schema/index.ts';
import type { Abilities } from '../abilities.ts';
import type { Family } from '../family.ts';
import type { GradientLearner } from '../learner.ts';
import {
  describedBy,
  LIKELIHOOD_KEYS,
  type Likelihood,
  type LikelihoodConfig,
  makeLikelihood,
} from '../likelihoods/index.ts';
import type { Model } from '../model.ts';
import { makeDecoder, makeEncoder, type Net, type NetConfig } from '../nets/index.ts';
import { codedPortrait, DECODED_RUN_KEYS, INIT_KEYS, LATENT, NET_KEYS, REQUIRED } from './coded.ts';

export interface AutoencoderConfig {
  readonly shape: readonly number[];
  /** Features that are words of a table. */
  readonly categories?: readonly Category[] | undefined;
  readonly encoder: NetConfig;
  readonly latent: number;
  readonly decoder: NetConfig;
  readonly likelihood: LikelihoodConfig;
  readonly init: LinearInit;
}

/**
 * The family `ae`: a code [B, M] of rows [B, D] and what is decoded of it.
 *
 * ```ts
 * const net = { hidden: [300], activation: 'relu' } as const;
 * const sizes = { shape: [28, 28], latent: 2, encoder: net, decoder: net, init: 'torch' } as const;
 * const autoencoder = new Autoencoder({ ...sizes, likelihood: { kind: 'bernoulli' } });
 * autoencoder.code(ops.zeros([3, 784])).shape // [3, 2]
 * ```
 */
export class Autoencoder extends Module implements Model {
  readonly encoder: Net;
  readonly decoder: Net;
  readonly likelihood: Likelihood;
  readonly config: AutoencoderConfig;
  readonly features: number;

  constructor(config: AutoencoderConfig) {
    super();
    this.config = config;
    const { encoder, decoder, latent, init } = config;
    this.features = config.shape.reduce((a, b) => a * b, 1);
    const { features } = this;
    this.likelihood = makeLikelihood(config.likelihood, {
      ...{ features, categories: config.categories },
    });
    const ends = { shape: config.shape, code: latent, init };
    this.encoder = makeEncoder(encoder, ends);
    const what = describedBy(this.likelihood, config.likelihood, features);
    this.decoder = makeDecoder(decoder, ends, what);
  }

  /** The code [B, M] of x [B, D]. */
  code(x: Tensor): Tensor {
    return this.encoder.call(x);
  }

  decode(z: Tensor): Distribution {
    return this.likelihood.distribution(this.decoder.call(z));
  }

  /** log p(x | code(x)), [B]. */
  reconstruction(x: Tensor): Tensor {
    return this.decode(this.code(x)).logProb(x);
  }

  /** Whether x̂ = W z + b for a code that is linear in x, too. */
  private get isLinear(): boolean {
    const { encoder, decoder, likelihood } = this.config;
    const isOne = ({ kind = 'mlp', hidden = [] }: NetConfig) =>
      kind === 'linear' || (kind === 'mlp' && hidden.length === 0);
    return likelihood.kind === 'normal' && isOne(encoder) && isOne(decoder);
  }

  get learner(): GradientLearner {
    return { loss: ({ x }) => ({ loss: neg(mean(this.reconstruction(x))) }) };
  }

  get can(): Abilities {
    const { latent } = this.config;
    return {
      code: {
        size: latent,
        noun: 'codes',
        values: 'means',
        isStandard: false,
        mean: ({ x }) => this.code(x),
      },
      decode: {
        mean: (z) => this.decode(z).mean,
        draw: (z) => this.decode(z).sample(),
        parameters: (z) => this.decode(z).parameters ?? [],
        ...(this.isLinear && { isLinear: true }),
        numbers: this.likelihood.outputs(this.features),
      },
      describes: this.config.likelihood,
      quantities: ({ x }) => [
        {
          name: 'negativeElbo',
          label: 'reconstruction',
          unit: 'nats',
          digits: 3,
          of: neg(this.reconstruction(x)),
          isDensity: true,
        },
      ],
      lacks: LACKS,
    };
  }

  get portrait() {
    return codedPortrait(this.config, this.config, this.config.latent, [
      'An autoencoder has no prior: it cannot be sampled, and it gives data no probability.',
    ]);
  }
}

const LACKS = {
  draw: 'an autoencoder, which has no distribution of codes to draw from; fit one with `latentgpu prior`, or train a vae for samples',
  logWeights: 'an autoencoder, which gives data no probability; train a vae to score them',
  impute: 'an autoencoder, which gives data no probability; train a vae to fill in what is missing',
  'code.draw': 'an autoencoder, whose codes have neither draws nor deviations; leave out --draw',
  'code.logStd': 'an autoencoder, whose codes have neither draws nor deviations; leave out --std',
  joint: 'an autoencoder, which has no posterior to sample; train a vae',
  estimate: 'an autoencoder, which draws nothing: its gradient needs no estimator',
  refine: 'an autoencoder, which has no posterior to refit; leave out --refine',
  bijection: 'no flow but an autoencoder, which is no bijection',
} as const;

const KEYS = {
  latent: LATENT,
  ...NET_KEYS,
  ...LIKELIHOOD_KEYS,
  ...INIT_KEYS,
} as const satisfies Schema;

export const AE: Family<typeof KEYS> = {
  name: 'ae',
  title: 'Autoencoder',
  about: 'a code of few numbers, trained for reconstruction (Hinton and Salakhutdinov 2006)',
  keys: KEYS,
  required: REQUIRED,
  run: DECODED_RUN_KEYS,
  takesWords: true,
  build: (config, { shape, categories }) => new Autoencoder({ ...config, shape, categories }),
};
