// What may be asked of a hierarchy of codes.
import type { Batch } from '../../../nn/index.ts';
import {
  importanceBound,
  importanceOf,
  type LatentModel,
  logLikelihoodOf,
} from '../../../objectives/index.ts';
import { neg, reshape, slice, sub } from '../../../ops/index.ts';
import type { Abilities, Quantity } from '../../abilities.ts';
import type { Likelihood } from '../../likelihoods/index.ts';
import type { HvaeConfig } from './keys.ts';
import type { LayeredPosterior, LayeredPrior } from './layers.ts';

/** A model whose codes are in layers. */
export interface Hierarchy extends LatentModel {
  readonly config: HvaeConfig;
  readonly features: number;
  readonly likelihood: Likelihood;
  prior(): LayeredPrior;
  posterior(batch: Batch): LayeredPosterior;
}

export function hvaeAbilities(model: Hierarchy): Abilities {
  const { config, features, likelihood } = model;
  const size = config.latents.reduce((a, b) => a + b);
  return {
    code: {
      size,
      noun: 'codes',
      values: 'means',
      isStandard: false,
      mean: (batch) => model.posterior(batch).mean,
      draw: (batch) => model.posterior(batch).draw(1).value,
      logProb: (batch, z) => model.posterior(batch).logProb(z),
    },
    decode: {
      mean: (z) => model.decode(z).mean,
      draw: (z) => model.decode(z).sample(),
      parameters: (z) => model.decode(z).parameters ?? [],
      numbers: Math.max(size, likelihood.outputs(features)),
    },
    draw: {
      controls: {},
      layers: config.latents,
      codes: (noise) => model.prior().codes(noise),
      logProb: (z) => model.prior().logProb(z),
    },
    logWeights: {
      exact: false,
      of: (batch, k) => importanceBound(model, batch, k).logWeights,
    },
    impute: {
      kind: 'weighed',
      of: (batch, k) => {
        const draw = model.posterior(batch).draw(k);
        const { logWeights } = importanceOf(model, batch, draw.value, draw.logProb());
        return { codes: draw.value, logWeights, means: model.decode(draw.value).mean };
      },
    },
    describes: config.likelihood,
    quantities: (batch) => quantitiesOf(model, batch),
    lacks: LACKS,
  };
}

function quantitiesOf(model: Hierarchy, batch: Batch): Quantity[] {
  const posterior = model.posterior(batch);
  const draw = posterior.draw(1);
  const { kl, layers } = posterior.divergence(draw);
  const bound = sub(logLikelihoodOf(model, batch, draw.value), kl);
  const nats = { unit: 'nats', digits: 3 };
  return [
    { name: 'negativeElbo', label: 'negative ELBO', ...nats, of: neg(bound), isDensity: true },
    { name: 'kl', label: 'kl', ...nats, of: kl },
    ...model.config.latents.map((_, l) => ({
      name: `kl${l + 1}`,
      label: `kl of layer ${l + 1}`,
      ...nats,
      of: reshape(slice(layers, 1, l, l + 1), [-1]),
    })),
  ];
}

const LACKS = {
  'code.logStd':
    'a hierarchy of codes, whose deviations depend on the layers above or below; leave out --std',
  refine:
    'a hierarchy of codes, whose posteriors are not fitted to single rows; leave out --refine',
  estimate: 'a hierarchy of codes, whose estimators are not compared; train a vae for that',
  bijection: 'no flow but a hierarchy of codes, which is no bijection',
} as const;
