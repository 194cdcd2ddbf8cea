// The variational autoencoder (Kingma and Welling 2014); the lectures' network is
// D → 300 ReLU → 2M (mean and log standard deviation), M → 300 ReLU → D.
import type { Batch, Module } from '../../../nn/index.ts';
import type { ObjectiveTerms } from '../../../objectives/index.ts';
import type { Abilities } from '../../abilities.ts';
import type { GradientLearner } from '../../learner.ts';
import type { Model } from '../../model.ts';
import { codedPortrait } from '../coded.ts';
import { vaeAbilities } from './abilities.ts';
import { VaeParts } from './parts.ts';

/**
 * The family `vae`: codes [B, M] of rows [B, D], with q(z | x), p(x | z), p(z) and an objective.
 *
 * ```ts
 * const net = { hidden: [300], activation: 'relu' } as const;
 * const sizes = { shape: [28, 28], latent: 2, encoder: net, decoder: net, init: 'torch' } as const;
 * const vae = new Vae({ ...sizes, likelihood: { kind: 'bernoulli' }, objective: { beta: 0.5 } });
 * vae.posterior({ x: ops.zeros([3, 784]) }).mean.shape // [3, 2]
 * ```
 */
export class Vae extends VaeParts implements Model {
  /** What this model is trained for, of a batch. */
  bound(batch: Batch): ObjectiveTerms {
    return this.objective.of(this, batch);
  }

  get learner(): GradientLearner {
    const parametersOf = (...parts: (Module | undefined)[]) =>
      parts.flatMap((part) => part?.parameters() ?? []);
    const turns = {
      e: parametersOf(this.encoder, this.posteriorPart, this.objective),
      m: parametersOf(this.decoder, this.ordered, this.likelihood, this.priorPart),
    };
    // Parts name their parameters by themselves, and files are written by the names of the whole.
    this.namedParameters();
    return {
      loss: (batch) => {
        const own = this.table && this.followed(batch);
        const model = own ? this.withNumbers(own.of) : this;
        return { ...this.objective.lossOf(model, batch), ...(own && { also: [own] }) };
      },
      turns,
      live: this.objective.live,
      ...((this.priorPart.initial || this.columns) && {
        initial: (data, seed) =>
          new Map([
            ...(this.priorPart.initial?.(data, seed) ?? []),
            ...(this.columns ? [this.columns.initial(data)] : []),
          ]),
      }),
    };
  }

  get can(): Abilities {
    return vaeAbilities(this, this.learner.turns);
  }

  get portrait() {
    return codedPortrait(this.config, this.config, this.latent);
  }
}
