// What may be asked of a semi-supervised model.
import { type Distribution, hottest } from '../../../distributions/index.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import type { Batch } from '../../../nn/index.ts';
import type { Posterior } from '../../../objectives/index.ts';
import { exp, mul, neg, oneHot, sum } from '../../../ops/index.ts';
import type { Abilities, Quantity } from '../../abilities.ts';
import type { Vae } from '../vae/index.ts';

/** What is known and believed of the classes of a batch. */
export interface Beliefs {
  /** A one for the class of a row where it is known, zeros where it is not: [B, C]. */
  readonly known: Tensor;
  /** log q(y | x), [B, C]. */
  readonly logQ: Tensor;
}

/** A model that has one of the rows of each class, and believes which class a row is of. */
export interface OfEveryClass {
  readonly each: Vae;
  readonly classes: number;
  readonly features: number;
  beliefs(batch: Batch): Beliefs;
  elbo(batch: Batch, beliefs?: Beliefs): { readonly bound: Tensor; readonly kl: Tensor };
  logWeights(batch: Batch, k: number): Tensor;
  posterior(batch: Batch): Posterior;
  decode(z: Tensor, told?: Pick<Batch, 'labels'>): Distribution;
}

export function m2Abilities(model: OfEveryClass): Abilities {
  const { each, classes, features } = model;
  const { can } = each;
  return {
    code: {
      size: each.latent,
      noun: 'codes',
      values: 'means',
      isStandard: true,
      mean: (batch) => model.posterior(batch).mean,
      draw: (batch) => model.posterior(batch).draw(1).value,
      logStd: (batch) => model.posterior(batch).logStd as Tensor,
      kl: (batch) => model.posterior(batch).klTo?.(each.prior()) as Tensor,
    },
    decode: {
      mean: (z, told) => model.decode(z, told).mean,
      draw: (z, told) => model.decode(z, told).sample(),
      parameters: (z, told) => model.decode(z, told).parameters ?? [],
      // Bounds decode every row as every class.
      numbers: classes * Math.max(each.latent, each.likelihood.outputs(features)),
    },
    ...(can.draw && { draw: can.draw }),
    condition: { classes: each.config.classNames ?? [], ofCodes: false },
    logWeights: { exact: false, of: (batch, k) => model.logWeights(batch, k) },
    assign: (batch) => exp(model.beliefs(batch).logQ),
    describes: each.config.likelihood,
    quantities: (batch) => quantitiesOf(model, batch),
    lacks: LACKS,
  };
}

/** Of data whose classes are known, too, as if they were not: what the model would say by itself. */
function quantitiesOf(model: OfEveryClass, batch: Batch): Quantity[] {
  const { x, labels } = batch;
  const beliefs = model.beliefs({ x });
  const { bound, kl } = model.elbo({ x }, beliefs);
  const nats = { unit: 'nats', digits: 3 };
  return [
    { name: 'negativeElbo', label: 'negative ELBO', ...nats, of: neg(bound), isDensity: true },
    { name: 'kl', label: 'kl', ...nats, of: kl },
    ...(labels
      ? [
          {
            name: 'accuracy',
            label: 'accuracy',
            ...{ unit: '', digits: 4 },
            of: sum(mul(hottest(beliefs.logQ), oneHot(labels, model.classes)), 1),
          },
        ]
      : []),
  ];
}

const LACKS = {
  impute: 'a semi-supervised model, which takes no missing values; train a cvae or a vae for those',
  refine: 'a semi-supervised model, which has a posterior for each class; leave out --refine',
  estimate:
    'a semi-supervised model, whose classes are summed over; train a vae to compare estimators',
  bijection: 'no flow but a semi-supervised model, which is no bijection',
} as const;
