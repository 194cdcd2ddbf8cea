// latentgpu eval: how good a model is on held-out data.
import type { Command } from 'commander';
import { IMPORTANCE_SAMPLES, LIKELIHOOD_ROWS } from '../constants.ts';
import { meanScale } from '../data/standardize.ts';
import { LatentGpuError } from '../errors.ts';
import {
  type Evaluation,
  evaluateModel,
  examine,
  type Figure,
  type Model,
  need,
  plainOf,
  principalAngles,
  refine,
} from '../models/index.ts';
import { collapseText } from '../report/collapse.ts';
import type { Runtime } from '../scheduler/index.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { loadModel } from './common/device.ts';
import { dataOptions, loadSubject, type Subject, type SubjectOptions } from './data/subject.ts';
import { checkMeasured } from './data/told.ts';
import { trainingRows } from './data/training-rows.ts';
import { type MeasureOptions, measure } from './measure.ts';

interface EvalOptions extends CommonOptions, SubjectOptions {
  split: 'train' | 'test';
  samples?: number;
  likelihoodLimit?: number;
  curve?: boolean;
  refine?: number;
}

export function evalCommand(program: Command): void {
  const command = program
    .command('eval')
    .description('Evaluates a model: bound, log-likelihood with its error, active units, bits/dim.')
    .argument('<dir>', 'model folder')
    .addOption(
      countOption(
        '--samples <n>',
        `importance samples a row, default ${IMPORTANCE_SAMPLES.evaluation} (0: none); of a flow on grey levels: draws of noise, default 1`,
        0,
      ),
    )
    .action((dir: string, options: EvalOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command, 'evaluate the first n rows only');
  command.addOption(
    countOption(
      '--likelihood-limit <n>',
      `rows for the likelihood; default: --limit, else ${LIKELIHOOD_ROWS}`,
    ),
  );
  command
    .option('--curve', 'the bound for 1, 5, 50, 500 and 5000 samples too')
    .addOption(countOption('--refine <n>', 'refits each posterior: what the encoder leaves'));
  common(command, 'latentgpu eval runs/mnist --samples 500 --limit 1000 --json');
}

async function perform(dir: string, options: EvalOptions, context: Context): Promise<void> {
  const began = performance.now();
  const loaded = await loadModel(dir, context.out);
  const { model } = loaded;
  checkAsked(dir, model, options);
  const subject = await loadSubject(dir, loaded, options, context, 'densities');
  checkMeasured(model, dir, subject.dataset);
  const trained = model.can.decode?.isLinear && (await trainingRows(dir, loaded, context));
  // Of an exact density they are draws of what makes grey levels continuous, and one is usual.
  const usual = model.can.logWeights?.exact ? 1 : IMPORTANCE_SAMPLES.evaluation;
  await measure({ label: 'evaluating', loaded, subject, began }, context, async (runtime, work) => {
    const { dataset, rows } = subject;
    const likelihoodLimit = options.likelihoodLimit ?? options.limit ?? LIKELIHOOD_ROWS;
    const more = {
      ...work,
      ...(options.curve && { curve: true, curveRows: likelihoodLimit }),
      ...(options.refine !== undefined && { refine: options.refine }),
    };
    // Of rows without a code of their own there is what can be fitted to them, and no more.
    const evaluation: Partial<Evaluation> | undefined = subject.isUnseen
      ? undefined
      : await evaluateModel(runtime, model, dataset, rows, {
          ...work,
          samples: options.samples ?? usual,
          likelihoodLimit,
        });
    const { figures, ...found } = subject.isUnseen
      ? await examineUnseen(runtime, model, subject, more)
      : await examine(runtime, model, rows, dataset.count, more);
    const plane =
      trained && (await principalAngles(runtime, model, trained.rows, trained.count, work));
    if (evaluation?.figures?.some(({ value }) => Number.isNaN(value))) {
      context.out.remark(
        'figures are no numbers: some rows lie further out than float32 reaches; `latentgpu score` tells which',
      );
    }
    return {
      figures: {
        ...(evaluation && plainOf(evaluation as Evaluation)),
        ...found,
        ...(plane && { principalAngles: plane.angles }),
      },
      lines: [
        ...[...(evaluation?.figures ?? []), ...figures, ...(plane ? [plane.figure] : [])].map(
          lineOf,
        ),
        ...collapsed(evaluation, model.can.code?.units ?? model.can.code?.size),
      ],
    };
  });
}

/** @throws LatentGpuError `bad-input` for what this model has not */
function checkAsked(dir: string, model: Model, { curve, refine }: EvalOptions): void {
  if (refine !== undefined) need(model, 'refine', dir);
  if (!curve || !need(model, 'logWeights', dir).exact) return;
  throw new LatentGpuError(
    'bad-input',
    `${dir} holds a model whose log p(x) is exact: no number of samples changes it; leave out --curve`,
  );
}

/** What refining finds of rows that have no code of their own. */
async function examineUnseen(
  runtime: Runtime,
  model: Model,
  { rows, dataset: { count } }: Subject,
  { refine: steps = 1, logScale, ...work }: MeasureOptions & { readonly refine?: number },
) {
  const refinement = await refine(runtime, model, rows, count, { ...work, steps });
  const { after, afterError } = refinement;
  return {
    count,
    refinement,
    figures: [
      {
        name: 'refinement.after',
        label: 'negative ELBO',
        value: meanScale(logScale, count) - after,
        error: afterError,
        unit: 'nats',
        digits: 3,
        note: `posteriors fitted from the prior in ${steps} steps`,
      },
    ],
  };
}

/** A code with idle units is called so. */
function collapsed(evaluation: Partial<Evaluation> | undefined, units = 0): string[][] {
  const active = evaluation?.activeUnits ?? undefined;
  const text = active === undefined ? undefined : collapseText(active, units);
  return text === undefined ? [] : [['code', text]];
}

/** `negative ELBO  105.904 ± 0.28 nats (…)`. */
function lineOf({ label, value, error, unit, digits, errorDigits = 2, note }: Figure): string[] {
  const rounded = value.toFixed(digits);
  const text = [
    // Rounded to nothing, a number has no sign.
    Number(rounded) === 0 ? (0).toFixed(digits) : rounded,
    ...(error !== undefined ? [`± ${error.toFixed(errorDigits)}`] : []),
    ...(unit ? [unit] : []),
    ...(note ? [error === undefined ? note : `(${note})`] : []),
  ];
  return [label, text.join(' ')];
}
