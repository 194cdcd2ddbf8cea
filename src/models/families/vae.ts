// The variational autoencoder and its importance-weighted sibling.
// Kingma and Welling 2014; Burda, Grosse and Salakhutdinov 2016; the lectures' network is
// D → 300 ReLU → 2M (mean and log standard deviation), M → 300 ReLU → D.
import type { Density, Distribution } from '../../distributions/index.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Batch, type LinearInit, MLP, Module } from '../../nn/index.ts';
import {
  type Estimate,
  elbo,
  importanceBound,
  type LatentModel,
  type Posterior,
} from '../../objectives/index.ts';
import { mean, neg } from '../../ops/index.ts';
import type { Schema, Value } from '../../schema/index.ts';
import type { Abilities, Family, Learner, Model } from '../family.ts';
import {
  LIKELIHOOD_KEYS,
  type Likelihood,
  type LikelihoodConfig,
  makeLikelihood,
} from '../likelihoods/index.ts';
import type { NetConfig } from '../nets/mlp.ts';
import {
  makePosterior,
  POSTERIOR_KEYS,
  type PosteriorConfig,
  type PosteriorPart,
} from '../posteriors/index.ts';
import { makePrior, PRIOR_KEYS, type PriorConfig, type PriorPart } from '../priors/index.ts';
import {
  codedPortrait,
  DECODED_RUN_KEYS,
  INIT_KEYS,
  LATENT,
  NET_KEYS,
  REQUIRED,
  WEIGHED_RUN_KEYS,
} from './coded.ts';

/** What a model is trained for; what is left out is as in the table of keys. */
export interface ObjectiveConfig {
  readonly bound?: 'elbo' | 'iwae';
  readonly samples?: number;
  readonly kl?: 'analytic' | 'sampled' | undefined;
  readonly beta?: number | undefined;
}

export interface VaeConfig {
  /** Extents of one data point, e.g. `[28, 28]`. */
  readonly shape: readonly number[];
  readonly encoder: NetConfig;
  readonly latent: number;
  readonly decoder: NetConfig;
  readonly likelihood: LikelihoodConfig;
  readonly objective: ObjectiveConfig;
  readonly init: LinearInit;
  /** Default: independent normals. */
  readonly posterior?: PosteriorConfig;
  /** Default: N(0, I). */
  readonly prior?: PriorConfig;
}

export class Vae extends Module implements Model, LatentModel {
  readonly encoder: MLP;
  readonly decoder: MLP;
  readonly likelihood: Likelihood;
  readonly config: VaeConfig;
  readonly features: number;
  private readonly posteriorPart: PosteriorPart;
  private readonly priorPart: PriorPart;

  /** @param seed of the rotations that a prior's flow starts from */
  constructor(config: VaeConfig, seed = 0) {
    super();
    this.config = config;
    const { encoder, decoder, latent, init, posterior, prior } = config;
    this.features = config.shape.reduce((a, b) => a * b, 1);
    this.likelihood = makeLikelihood(config.likelihood);
    this.posteriorPart = makePosterior(posterior ?? { kind: 'normal' }, latent);
    this.priorPart = makePrior(prior ?? { kind: 'normal' }, latent, seed);
    const widths = [this.features, ...encoder.hidden, this.posteriorPart.width];
    this.encoder = new MLP(widths, encoder.activation, { init });
    const outputs = this.features * this.likelihood.outputsPerFeature;
    this.decoder = new MLP([latent, ...decoder.hidden, outputs], decoder.activation, { init });
  }

  override children(): [string, unknown][] {
    return [
      ['encoder', this.encoder],
      ['decoder', this.decoder],
      ['likelihood', this.likelihood],
      [this.posteriorPart.tensors, this.posteriorPart],
      [this.priorPart.tensors, this.priorPart],
    ];
  }

  posterior({ x }: Batch): Posterior {
    return this.posteriorPart.of(this.encoder.call(x));
  }

  decode(z: Tensor): Distribution {
    return this.likelihood.distribution(this.decoder.call(z));
  }

  prior(): Density {
    return this.priorPart.density;
  }

  /** The bound this model is trained for, [B]. */
  bound(batch: Batch): Estimate {
    const { bound = 'elbo', samples = bound === 'iwae' ? 5 : 1, kl, beta } = this.config.objective;
    return bound === 'iwae'
      ? importanceBound(this, batch, samples)
      : elbo(this, batch, {
          samples,
          ...(kl && { kl }),
          ...(beta !== undefined && { beta }),
        });
  }

  get learner(): Learner {
    return {
      loss: (batch) => {
        const { bound, kl } = this.bound(batch);
        return { loss: neg(mean(bound)), metrics: { kl: mean(kl) } };
      },
    };
  }

  get can(): Abilities {
    const { latent } = this.config;
    const hasDeviations = this.config.posterior?.kind !== 'iaf';
    return {
      code: {
        size: latent,
        noun: 'codes',
        values: 'means',
        isStandard: this.priorPart.isStandard,
        mean: (batch) => this.posterior(batch).mean,
        draw: (batch) => this.posterior(batch).draw(1).value,
        kl: (batch) => this.posterior(batch).klTo?.(this.prior()),
        ...(hasDeviations && { logStd: (batch) => this.posterior(batch).logStd as Tensor }),
      },
      decode: {
        mean: (z) => this.decode(z).mean,
        draw: (z) => this.decode(z).sample(),
        numbers: this.features * this.likelihood.outputsPerFeature,
      },
      draw: { controls: {}, codes: (noise) => this.priorPart.codes(noise) },
      logWeights: {
        exact: false,
        of: (batch, k) => importanceBound(this, batch, k).logWeights,
      },
      describes: this.config.likelihood,
      quantities: (batch) => {
        const { bound, kl } = elbo(this, batch);
        return [
          {
            name: 'negativeElbo',
            label: 'negative ELBO',
            unit: 'nats',
            digits: 3,
            of: neg(bound),
            isDensity: true,
          },
          { name: 'kl', label: 'kl', unit: 'nats', digits: 3, of: kl },
        ];
      },
      lacks: {
        'code.logStd': `a model with posterior=${this.config.posterior?.kind}, whose deviations have no closed form; leave out --std`,
        bijection: 'no flow but a variational autoencoder, which is no bijection',
        ...this.withoutGraphs(),
      },
    };
  }

  private withoutGraphs(): Record<string, string> {
    const { posterior, prior } = this.config;
    const other =
      posterior && posterior.kind !== 'normal'
        ? `posterior=${posterior.kind}`
        : prior && prior.kind !== 'normal' && `prior=${prior.kind}`;
    return other
      ? { graphs: `a model with ${other}, which ONNX files of this library do not hold` }
      : {};
  }

  get portrait() {
    return codedPortrait(this.config, this.config, this.config.latent);
  }
}

const OBJECTIVE_KEYS = {
  'objective.bound': {
    type: 'choice',
    choices: ['elbo', 'iwae'],
    default: (get: (key: string) => Value | undefined) =>
      get('family') === 'iwae' ? 'iwae' : 'elbo',
    help: 'the evidence lower bound, or the importance-weighted one',
  },
  'objective.samples': {
    type: 'integer',
    min: 1,
    max: 4096,
    default: (get: (key: string) => Value | undefined) =>
      get('objective.bound') === 'iwae' ? 5 : 1,
    help: 'draws of the code for each data point',
  },
  'objective.kl': {
    type: 'choice',
    choices: ['analytic', 'sampled'],
    default: (get: (key: string) => Value | undefined) =>
      get('posterior.kind') === 'normal' && get('prior.kind') === 'normal' ? 'analytic' : 'sampled',
    when: { 'objective.bound': ['elbo'] },
    help: 'closed form or Monte Carlo',
  },
  'objective.beta': {
    type: 'number',
    min: 0,
    max: 1e6,
    default: 1,
    when: { 'objective.bound': ['elbo'] },
    help: 'weight of the divergence',
  },
} as const satisfies Schema;

const KEYS = {
  latent: LATENT,
  ...NET_KEYS,
  ...LIKELIHOOD_KEYS,
  ...POSTERIOR_KEYS,
  ...PRIOR_KEYS,
  ...OBJECTIVE_KEYS,
  ...INIT_KEYS,
};

function checkClosedForm({ objective, posterior, prior }: VaeConfig): void {
  const flow = [posterior?.kind === 'iaf' && 'posterior', prior?.kind === 'realnvp' && 'prior'];
  const what = flow.find(Boolean);
  if (objective.kl !== 'analytic' || !what) return;
  throw new LatentGpuError(
    'bad-config',
    `objective.kl is analytic, and a ${what} with a flow has no closed form; leave it out`,
  );
}

const SHARED = {
  keys: KEYS,
  required: REQUIRED,
  run: { ...DECODED_RUN_KEYS, ...WEIGHED_RUN_KEYS },
  build: (config: unknown, { shape }: { readonly shape: readonly number[] }, seed: number) => {
    const whole = { ...(config as Omit<VaeConfig, 'shape'>), shape };
    checkClosedForm(whole);
    return new Vae(whole, seed);
  },
};

export const VAE: Family<typeof KEYS> = {
  name: 'vae',
  title: 'VAE',
  about: 'an encoder, a decoder and a prior of codes (Kingma and Welling 2014)',
  ...SHARED,
};

export const IWAE: Family<typeof KEYS> = {
  name: 'iwae',
  title: 'IWAE',
  about: 'a VAE trained for the importance-weighted bound (Burda, Grosse and Salakhutdinov 2016)',
  ...SHARED,
};
