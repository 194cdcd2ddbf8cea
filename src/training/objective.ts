// What a model of this library is trained for.
import { Autoencoder, type Model } from '../models/index.ts';
import { mean, neg } from '../ops/index.ts';
import type { TrainerOptions } from './step.ts';

/** The mean over the batch of -bound (an autoencoder's: of -log p(x | code)), in nats. */
export function lossOf(model: Model): TrainerOptions['loss'] {
  if (model instanceof Autoencoder) return (x) => ({ loss: neg(mean(model.reconstruction(x))) });
  return (x) => {
    const { bound, kl } = model.bound(x);
    return { loss: neg(mean(bound)), metrics: { kl: mean(kl) } };
  };
}
