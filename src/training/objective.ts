// What a model of this library is trained for.
import { Autoencoder, FlowModel, type Model } from '../models/index.ts';
import { mean, neg } from '../ops/index.ts';
import type { TrainerOptions } from './step.ts';

/**
 * The mean over the batch of -bound (an autoencoder's: of -log p(x | code), a flow's: of -log p(x)), in
 * nats.
 */
export function lossOf(model: Model): TrainerOptions['loss'] {
  if (model instanceof Autoencoder)
    return ({ x }) => ({ loss: neg(mean(model.reconstruction(x))) });
  if (model instanceof FlowModel) {
    return ({ x }) => {
      const { logProb, effects } = model.learn(x);
      return { loss: neg(mean(logProb)), effects };
    };
  }
  return (batch) => {
    const { bound, kl } = model.bound(batch);
    return { loss: neg(mean(bound)), metrics: { kl: mean(kl) } };
  };
}

/** What is done once with the first batch, of models that start from data. */
export function startOf(model: Model): Pick<TrainerOptions, 'start'> {
  return model instanceof FlowModel ? { start: ({ x }) => model.start(x) } : {};
}
