// What a report tells of a flow: its likelihood, and what it makes.
import { PLANE_ENTROPY } from '../../data/plane.ts';
import { logScale } from '../../data/standardize.ts';
import { evaluateFlow, FlowInference, GREY_LEVELS } from '../../models/index.ts';
import { flowCard } from '../../report/flow-card.ts';
import type { Runtime } from '../../scheduler/index.ts';
import type { LoadedFlow } from '../../training/model-folder.node.ts';
import type { Context } from '../common/command.ts';
import { DEQUANTIZED } from '../common/layer-text.ts';
import type { Subject } from '../data/subject.ts';
import { type Account, cardSubjectOf, STANDARDIZED } from './account.ts';
import type { ReportOptions } from './content.ts';
import { flowPortrait } from './flow-portrait.ts';

export async function accountOfFlow(
  runtime: Runtime,
  loaded: LoadedFlow,
  subject: Subject | undefined,
  options: ReportOptions,
  { out, signal, seed = 0 }: Context,
): Promise<Account> {
  const { model, standardization } = loaded;
  const evaluation =
    subject &&
    (await out.progress('evaluating', (bar) =>
      evaluateFlow(runtime, model, subject.dataset, subject.rows, {
        draws: options.samples ?? 1,
        seed,
        logScale: logScale(standardization),
        signal,
        onProgress: (fraction) => bar.update(fraction),
      }),
    ));
  const inference = new FlowInference(runtime, model);
  // A flow's data are not binarised.
  const sitters = subject && {
    dataset: subject.dataset,
    shown: subject.rows,
    evaluated: subject.rows,
  };
  const portrait = await out.progress('drawing', (bar) =>
    flowPortrait(
      { inference, loaded, sitters, seed },
      { signal, onProgress: (fraction) => bar.update(fraction) },
    ),
  );
  const likelihood =
    evaluation &&
    subject &&
    flowCard(
      { evaluation, features: model.features, entropy: entropyOf(subject) },
      cardSubjectOf(subject, howSeen(loaded), seed),
    );
  return { evaluation, likelihood, portrait };
}

/** How data are made what a flow sees. */
function howSeen({ config, standardization }: LoadedFlow): string {
  if (standardization) return STANDARDIZED;
  const { dequantize, logit } = config;
  const values =
    dequantize !== 'none'
      ? `${GREY_LEVELS} grey levels, ${DEQUANTIZED[dequantize]}`
      : 'values as they are';
  return logit === null ? values : `${values}, through a logit`;
}

/** Of built-in data, where it is known. */
function entropyOf({ dataset }: Subject): number | undefined {
  const { name, shape } = dataset;
  return shape.length === 1 && Object.hasOwn(PLANE_ENTROPY, name) ? PLANE_ENTROPY[name] : undefined;
}
