// What a report tells of a latent-variable model: bound and likelihood, and what it makes.
import { logScale } from '../../data/standardize.ts';
import { Autoencoder, type Evaluation, evaluateModel, Inference } from '../../models/index.ts';
import { bitsPerDimension } from '../../report/bits.ts';
import type { Card } from '../../report/card.ts';
import { latentCard } from '../../report/latent-card.ts';
import type { Runtime } from '../../scheduler/index.ts';
import { binarizedRows } from '../../training/index.ts';
import type { LoadedLatent } from '../../training/model-folder.node.ts';
import type { Context } from '../common/command.ts';
import type { Subject } from '../data/subject.ts';
import { greyed, isBinary } from '../data/traits.ts';
import { type Account, cardSubjectOf, STANDARDIZED } from './account.ts';
import type { ReportOptions } from './content.ts';
import { latentPortrait } from './latent-portrait.ts';
import type { Sitters } from './portrait.ts';

/** Rows whose likelihood is estimated, as `eval` does. */
const LIKELIHOOD_ROWS = 1000;
/** Importance samples of a row. */
export const SAMPLES = 500;

export async function accountOfLatent(
  runtime: Runtime,
  loaded: LoadedLatent,
  subject: Subject | undefined,
  options: ReportOptions,
  { out, signal, seed = 0 }: Context,
): Promise<Account> {
  const evaluation =
    subject &&
    (await out.progress('evaluating', (bar) =>
      evaluateModel(runtime, loaded.model, subject.dataset, subject.rows, {
        samples: options.samples ?? SAMPLES,
        likelihoodLimit: options.limit ?? LIKELIHOOD_ROWS,
        seed,
        logScale: logScale(loaded.standardization),
        signal,
        onProgress: (fraction) => bar.update(fraction),
      }),
    ));
  const inference = new Inference(runtime, loaded.model);
  const portrait = await out.progress('drawing', (bar) =>
    latentPortrait(inference, loaded, subject && sittersOf(subject, options), seed, {
      signal,
      onProgress: (fraction) => bar.update(fraction),
    }),
  );
  const likelihood = evaluation && subject && cardOf(loaded, subject, evaluation, seed);
  return { evaluation, likelihood, portrait };
}

function sittersOf({ dataset, binarization, rows }: Subject, { binarize }: ReportOptions): Sitters {
  const shown = binarize ?? greyed(binarization);
  return {
    dataset,
    evaluated: rows,
    // Draws are those of the evaluation, where there are any.
    shown:
      shown === binarization ? rows : (start, end) => binarizedRows(dataset, start, end, shown, 0),
  };
}

function cardOf(
  { config, model, standardization }: LoadedLatent,
  subject: Subject,
  evaluation: Evaluation,
  seed: number,
): Card {
  const { dataset, binarization } = subject;
  const isVae = !(model instanceof Autoencoder);
  const { likelihood, latent } = config;
  const how = standardization
    ? STANDARDIZED
    : binarization === 'none'
      ? 'values as they are, not binarised'
      : `binarised (${BINARIZED[binarization]})`;
  const bits = bitsPerDimension(evaluation.nll?.value ?? evaluation.negativeElbo, {
    likelihood,
    isVae,
    isBinary: binarization !== 'none' || isBinary(dataset),
    features: model.features,
  });
  return latentCard(
    { evaluation, isVae, latent, bits },
    cardSubjectOf(subject, `${how}, ${likelihood.kind} likelihood`, seed),
  );
}

const BINARIZED = {
  resampled: 'resampled: drawn anew in training, drawn once here',
  once: 'once: drawn once, the same in training',
  static: 'static: 1 from one half up',
} as const;
