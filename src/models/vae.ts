// The variational autoencoder and its importance-weighted sibling.
// Kingma and Welling 2014; Burda, Grosse and Salakhutdinov 2016; the lectures' network is
// D → 300 ReLU → 2M (mean and log standard deviation), M → 300 ReLU → D.
import { type Distribution, Normal, StandardNormal } from '../distributions/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type LinearInit, MLP, Module } from '../nn/index.ts';
import { type BoundTerms, elbo, importanceBound, type LatentModel } from '../objectives/index.ts';
import { type Activation, slice } from '../ops/index.ts';
import { type Likelihood, type LikelihoodConfig, makeLikelihood } from './likelihoods.ts';

/** Hidden layers of an encoder or decoder. */
export interface NetConfig {
  hidden: number[];
  activation: Activation;
}

export type ObjectiveConfig =
  | { kind: 'elbo'; samples: number; kl: 'analytic' | 'sampled'; beta: number }
  | { kind: 'iwae'; samples: number };

export interface VaeConfig {
  /** Extents of one data point, e.g. `[28, 28]`. */
  shape: number[];
  encoder: NetConfig;
  latent: number;
  decoder: NetConfig;
  likelihood: LikelihoodConfig;
  objective: ObjectiveConfig;
  init: LinearInit;
}

export class Vae extends Module implements LatentModel {
  readonly encoder: MLP;
  readonly decoder: MLP;
  readonly likelihood: Likelihood;
  readonly config: VaeConfig;
  readonly features: number;

  constructor(config: VaeConfig) {
    super();
    this.config = config;
    const { encoder, decoder, latent, init } = config;
    this.features = config.shape.reduce((a, b) => a * b, 1);
    this.likelihood = makeLikelihood(config.likelihood);
    this.encoder = new MLP([this.features, ...encoder.hidden, 2 * latent], encoder.activation, {
      init,
    });
    const outputs = this.features * this.likelihood.outputsPerFeature;
    this.decoder = new MLP([latent, ...decoder.hidden, outputs], decoder.activation, { init });
  }

  /** q(z | x): the first half of the encoder's output is the mean, the second log σ. */
  encode(x: Tensor): Normal {
    const { latent } = this.config;
    const out = this.encoder.call(x);
    return new Normal(slice(out, -1, 0, latent), slice(out, -1, latent, 2 * latent));
  }

  decode(z: Tensor): Distribution {
    return this.likelihood.distribution(this.decoder.call(z));
  }

  prior(latent: Tensor): StandardNormal {
    return new StandardNormal(latent.shape);
  }

  /** The bound this model is trained for, [B]. */
  bound(x: Tensor): BoundTerms {
    const { objective } = this.config;
    return objective.kind === 'iwae'
      ? importanceBound(this, x, objective.samples)
      : elbo(this, x, objective);
  }
}
