// latentgpu eval: how good a model is on held-out data.
import type { Command } from 'commander';
import { IMPORTANCE_SAMPLES, LIKELIHOOD_ROWS } from '../constants.ts';
import { evaluateModel, type Figure, plainOf } from '../models/index.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { loadModel } from './common/device.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './data/subject.ts';
import { measure } from './measure.ts';

interface EvalOptions extends CommonOptions, SubjectOptions {
  split: 'train' | 'test';
  samples?: number;
  likelihoodLimit?: number;
}

export function evalCommand(program: Command): void {
  const command = program
    .command('eval')
    .description('Evaluates a model: bound, log-likelihood with its error, active units, bits/dim.')
    .argument('<dir>', 'model folder')
    .addOption(
      countOption(
        '--samples <n>',
        `importance samples of a row, default ${IMPORTANCE_SAMPLES.evaluation} (0: no likelihood); of a flow on grey levels: draws of the dequantising noise, default 1`,
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
  common(command, 'latentgpu eval runs/mnist --samples 500 --limit 1000 --json');
}

async function perform(dir: string, options: EvalOptions, context: Context): Promise<void> {
  const began = performance.now();
  const loaded = await loadModel(dir, context.out);
  const subject = await loadSubject(dir, loaded, options, context, 'densities');
  const { model } = loaded;
  // Of an exact density they are draws of what makes grey levels continuous, and one is usual.
  const usual = model.can.logWeights?.exact ? 1 : IMPORTANCE_SAMPLES.evaluation;
  await measure({ label: 'evaluating', loaded, subject, began }, context, async (runtime, work) => {
    const evaluation = await evaluateModel(runtime, model, subject.dataset, subject.rows, {
      ...work,
      samples: options.samples ?? usual,
      likelihoodLimit: options.likelihoodLimit ?? options.limit ?? LIKELIHOOD_ROWS,
    });
    return { figures: plainOf(evaluation), lines: evaluation.figures.map(lineOf) };
  });
}

/** `negative ELBO  105.904 ± 0.28 nats (…)`. */
function lineOf({ label, value, error, unit, digits, errorDigits = 2, note }: Figure): string[] {
  const text = [
    value.toFixed(digits),
    ...(error !== undefined ? [`± ${error.toFixed(errorDigits)}`] : []),
    ...(unit ? [unit] : []),
    ...(note ? [error === undefined ? note : `(${note})`] : []),
  ];
  return [label, text.join(' ')];
}
