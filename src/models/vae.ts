// The variational autoencoder and its importance-weighted sibling.
// Kingma and Welling 2014; Burda, Grosse and Salakhutdinov 2016; the lectures' network is
// D → 300 ReLU → 2M (mean and log standard deviation), M → 300 ReLU → D.
import { type Density, type Distribution, Normal, StandardNormal } from '../distributions/index.ts';
import type { Bijection, Flow } from '../flows/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Batch, type LinearInit, MLP, Module } from '../nn/index.ts';
import {
  type Estimate,
  elbo,
  FlowPosterior,
  importanceBound,
  type LatentModel,
  NormalPosterior,
  type Posterior,
} from '../objectives/index.ts';
import { type Activation, slice } from '../ops/index.ts';
import { type LatentFlowConfig, posteriorFlow, priorFlow } from './latent-flows.ts';
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
  /** An inverse autoregressive flow on top of the normal posterior. */
  posteriorFlow?: LatentFlowConfig;
  /** A flow in place of the prior N(0, I). */
  priorFlow?: LatentFlowConfig;
}

export class Vae extends Module implements LatentModel {
  readonly encoder: MLP;
  readonly decoder: MLP;
  readonly likelihood: Likelihood;
  readonly config: VaeConfig;
  readonly features: number;
  readonly posteriorFlow: Bijection | undefined;
  readonly priorFlow: Flow | undefined;

  /** @param seed of the rotations that a prior's flow starts from */
  constructor(config: VaeConfig, seed = 0) {
    super();
    this.config = config;
    const { encoder, decoder, latent, init } = config;
    this.features = config.shape.reduce((a, b) => a * b, 1);
    this.likelihood = makeLikelihood(config.likelihood);
    // A flow is told as much more of x as its base.
    const heads = config.posteriorFlow ? 4 : 2;
    this.encoder = new MLP([this.features, ...encoder.hidden, heads * latent], encoder.activation, {
      init,
    });
    const outputs = this.features * this.likelihood.outputsPerFeature;
    this.decoder = new MLP([latent, ...decoder.hidden, outputs], decoder.activation, { init });
    this.posteriorFlow =
      config.posteriorFlow && posteriorFlow(latent, 2 * latent, config.posteriorFlow);
    this.priorFlow = config.priorFlow && priorFlow(latent, config.priorFlow, seed);
  }

  /**
   * q(z | x), or what its flow starts from: of the encoder's output, the first M numbers are the mean,
   * the next log σ.
   */
  encode(x: Tensor): Normal {
    const { latent } = this.config;
    const out = this.encoder.call(x);
    return new Normal(slice(out, -1, 0, latent), slice(out, -1, latent, 2 * latent));
  }

  posterior({ x }: Batch): Posterior {
    if (!this.posteriorFlow) return new NormalPosterior(this.encode(x));
    const { latent } = this.config;
    const out = this.encoder.call(x);
    const part = (i: number, j: number) => slice(out, -1, i * latent, j * latent);
    const base = new Normal(part(0, 1), part(1, 2));
    return new FlowPosterior(base, this.posteriorFlow, part(2, 4));
  }

  /** The code [B, M] that stands for x [B, D]: the posterior's mean, or where its flow carries that. */
  code(x: Tensor): Tensor {
    return this.posterior({ x }).mean;
  }

  /** One draw of q(z | x), [B, M]. */
  drawCode(x: Tensor): Tensor {
    return this.posterior({ x }).draw(1).value;
  }

  decode(z: Tensor): Distribution {
    return this.likelihood.distribution(this.decoder.call(z));
  }

  prior(): Density {
    return this.priorFlow ?? new StandardNormal([this.config.latent]);
  }

  /** Codes [B, M] of noise [B, M]: draws of the prior, if the noise is. */
  codeOfNoise(noise: Tensor): Tensor {
    return this.priorFlow ? this.priorFlow.bijection.forward(noise).value : noise;
  }

  /** The bound this model is trained for, [B]. */
  bound(batch: Batch): Estimate {
    const { objective } = this.config;
    return objective.kind === 'iwae'
      ? importanceBound(this, batch, objective.samples)
      : elbo(this, batch, objective);
  }
}
