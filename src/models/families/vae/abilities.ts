// What may be asked of a variational autoencoder.
import type { Tensor } from '../../../graph/tensor.ts';
import type { Batch } from '../../../nn/index.ts';
import {
  ENUMERABLE,
  type Estimate,
  elbo,
  enumerated,
  importanceBound,
  importanceOf,
  isDiscrete,
  logLikelihoodOf,
  posteriorOf,
  score,
} from '../../../objectives/index.ts';
import { exp, neg, reshape, sub, zeros } from '../../../ops/index.ts';
import type { Abilities, CodeAbility, Walk } from '../../abilities.ts';
import type { GradientLearner } from '../../learner.ts';
import { through } from '../../nets/index.ts';
import type { OrderedDecoder } from '../../nets/ordered.ts';
import { StepDecoder } from '../../nets/step-decoder.ts';
import { FreePart } from '../../posteriors/index.ts';
import { estimatesOf } from './estimates.ts';
import type { VaeParts } from './parts.ts';

/** Posteriors whose deviations are known for each number of the code. */
const WITH_DEVIATIONS: readonly string[] = ['normal', 'full', 'free'];

/** @param turns parameters of its encoder's side and of its decoder's, of which gradients are estimated */
export function vaeAbilities(model: VaeParts, turns?: GradientLearner['turns']): Abilities {
  const { columns, config, posteriorPart, priorPart } = model;
  const rows = posteriorPart instanceof FreePart ? posteriorPart.rows : undefined;
  return {
    code: codeOf(model),
    ...describing(model),
    draw: {
      controls: {},
      codes: (noise) => priorPart.codes(noise),
      logProb: (z) => model.prior().logProb(z),
      ...(priorPart.groups && { groups: priorPart.groups }),
    },
    // Groups are the components of the prior: p(c | z) where the posterior has its mean.
    ...(priorPart.logResponsibilities && {
      assign: (batch: Batch) =>
        exp(priorPart.logResponsibilities?.(model.posterior(batch).mean) as Tensor),
    }),
    logWeights: {
      exact: false,
      of: (batch, k) => importanceBound(model, batch, k).logWeights,
    },
    ...((config.code?.kind ?? 'normal') === 'normal' && {
      joint: {
        logPrior: (z: Tensor) => model.prior().logProb(z),
        logLikelihood: (batch: Batch, z: Tensor) => logLikelihoodOf(model, batch, z),
      },
    }),
    refine: {
      width: posteriorPart.width,
      start: (batch) =>
        rows === undefined
          ? model.numbers(batch)
          : zeros([batch.x.shape[0] as number, posteriorPart.width]),
      bound: (batch, numbers) => refinedBound(model, batch, numbers),
    },
    ...(rows === undefined && { estimate: estimatesOf(model, turns) }),
    ...(rows !== undefined && { trainingRows: rows }),
    ...(config.classNames && { condition: { classes: config.classNames, ofCodes: true } }),
    ...(columns && {
      given: { columns: columns.given, kept: columns.kept },
      densityOf: columns.described,
    }),
    describes: config.likelihood,
    quantities: (batch) => {
      const { bound, kl } = elbo(model, batch);
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
    lacks: lacksOf(model),
  };
}

/** What a decoder does with codes; one that describes pixels by each other draws them in order. */
function describing(
  model: VaeParts,
): Pick<Abilities, 'decode' | 'impute' | 'ancestral' | 'numbers' | 'byChannel'> {
  const { latent, features, likelihood, ordered } = model;
  if (ordered) return describingInOrder(model, ordered);
  return {
    decode: {
      mean: (z, told) => model.decode(z, told).mean,
      draw: (z, told) => model.decode(z, told).sample(),
      parameters: (z, told) => model.decode(z, told).parameters ?? [],
      numbers: Math.max(latent, likelihood.outputs(features)),
    },
    impute: {
      kind: 'weighed',
      of: (batch, k) => {
        const draw = posteriorOf(model, batch).draw(k);
        const { logWeights } = importanceOf(model, batch, draw.value, draw.logProb());
        return { codes: draw.value, logWeights, means: model.decode(draw.value, batch).mean };
      },
    },
  };
}

function describingInOrder(
  model: VaeParts,
  ordered: OrderedDecoder,
): Pick<Abilities, 'impute' | 'ancestral' | 'numbers' | 'byChannel'> {
  const { decoder } = model;
  const isOfChannels = ordered instanceof StepDecoder && ordered.channels > 1;
  return {
    ancestral: {
      walk: ({ rows, codes, ...told }) =>
        ordered.walk(rows, through(decoder, codes as Tensor, told)),
    },
    numbers: ordered.numbers,
    ...(isOfChannels && {
      byChannel: {
        channels: ordered.channels,
        steps: ordered.steps,
        // Given the code that the encoder gives the series as it is.
        logProb: (batch, seen) =>
          ordered.byChannel(through(decoder, model.posterior(batch).mean, batch), batch.x, seen),
      },
    }),
    ...(ordered.given && {
      impute: {
        kind: 'particles',
        walk: (batch, k) => {
          const { value, logProb } = posteriorOf(model, batch).draw(k);
          const made = through(decoder, value, batch);
          const told = reshape(made, [-1, made.shape.at(-1) as number]);
          const weights = sub(model.prior().logProb(value), logProb());
          return ordered.given?.(batch, told, weights) as Walk;
        },
      },
    }),
  };
}

/** Draws by which the score function refines codes that are too many to go through. */
const SCORED = 4;

function refinedBound(model: VaeParts, batch: Batch, numbers: Tensor): Estimate {
  const refined = model.withNumbers(numbers);
  const posterior = model.posteriorPart.of(numbers);
  if (!isDiscrete(posterior)) return elbo(refined, batch);
  return posterior.configurations <= ENUMERABLE
    ? enumerated(refined, batch)
    : score(refined, batch, { samples: SCORED, baseline: 'leave-one-out' });
}

function codeOf(model: VaeParts): CodeAbility {
  const { config, latent, priorPart } = model;
  const { code, posterior } = config;
  const hasDeviations =
    (code?.kind ?? 'normal') === 'normal' && WITH_DEVIATIONS.includes(posterior?.kind ?? 'normal');
  const klOf = (batch: Batch) => model.posterior(batch).klTo?.(model.prior());
  const isClosed = hasDeviations ? priorPart.isStandard : (code?.kind ?? 'normal') !== 'normal';
  return {
    size: latent,
    ...(code?.kind === 'categorical' && { units: code.groups ?? 1 }),
    noun: 'codes',
    values: 'means',
    isStandard: priorPart.isStandard,
    mean: (batch) => model.posterior(batch).mean,
    draw: (batch) => model.posterior(batch).draw(1).value,
    // A flow's posterior would take a pass for each dimension: it weighs only its own draws.
    ...(posterior?.kind !== 'iaf' && {
      logProb: (batch, z) => model.posterior(batch).logProb(z),
    }),
    ...(hasDeviations && { logStd: (batch) => model.posterior(batch).logStd as Tensor }),
    ...(isClosed && { kl: (batch) => klOf(batch) as Tensor }),
  };
}

function lacksOf({ config, ordered, priorPart }: VaeParts): Record<string, string> {
  const { code, posterior, prior } = config;
  const kind = code?.kind ?? 'normal';
  const what = kind === 'normal' ? `posterior=${posterior?.kind ?? 'normal'}` : `code.kind=${kind}`;
  return {
    ...(kind !== 'normal' && {
      prior: `a model with ${what}, whose codes are no real numbers; set prior.kind=learned in training`,
    }),
    'code.logStd': `a model with ${what}, whose deviations have no closed form; leave out --std`,
    joint: `a model with ${what}, whose codes have no gradient that chains could follow`,
    estimate: `a model with ${what}, without an encoder whose gradient could be estimated`,
    ...(ordered && inOrder(ordered.what)),
    ...(!priorPart.logResponsibilities && groupless(kind, prior?.kind)),
    bijection: 'no flow but a variational autoencoder, which is no bijection',
    trainingRows: `a model with ${what}, which has a code for each row it was trained on and none for others`,
  };
}

function groupless(code: string, prior = 'normal'): Record<string, string> {
  const said =
    code !== 'normal'
      ? `a model with code.kind=${code}, whose codes come from no groups; train vade`
      : prior === 'vamp'
        ? 'a model with prior.kind=vamp, whose pseudo-inputs are places of one prior and no groups; train it with prior.kind=mixture, or train vade'
        : `a model with prior.kind=${prior}, whose codes come from no groups; train it with prior.kind=mixture, or train vade`;
  return { assign: said, 'draw.groups': said };
}

const inOrder = (what: string) => ({
  decode: `a model that draws ${what} after ${what}, whose codes have no mean data point; \`latentgpu sample\` and \`reconstruct\` draw from it`,
  impute: `a model that draws ${what} after ${what}, which takes no missing values; train it without decoder.receptive`,
});
