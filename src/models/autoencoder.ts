// The deterministic autoencoder: a code of M numbers, trained for reconstruction alone.
import type { Distribution } from '../distributions/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type LinearInit, MLP, Module } from '../nn/index.ts';
import { type Likelihood, type LikelihoodConfig, makeLikelihood } from './likelihoods.ts';
import type { NetConfig } from './vae.ts';

export interface AutoencoderConfig {
  shape: number[];
  encoder: NetConfig;
  latent: number;
  decoder: NetConfig;
  likelihood: LikelihoodConfig;
  init: LinearInit;
}

export class Autoencoder extends Module {
  readonly encoder: MLP;
  readonly decoder: MLP;
  readonly likelihood: Likelihood;
  readonly config: AutoencoderConfig;
  readonly features: number;

  constructor(config: AutoencoderConfig) {
    super();
    this.config = config;
    const { encoder, decoder, latent, init } = config;
    this.features = config.shape.reduce((a, b) => a * b, 1);
    this.likelihood = makeLikelihood(config.likelihood);
    this.encoder = new MLP([this.features, ...encoder.hidden, latent], encoder.activation, {
      init,
    });
    const outputs = this.features * this.likelihood.outputsPerFeature;
    this.decoder = new MLP([latent, ...decoder.hidden, outputs], decoder.activation, { init });
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
}
