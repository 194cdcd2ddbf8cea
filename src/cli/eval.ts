// latentgpu eval: how good a model is on held-out data.
import type { Command } from 'commander';
import {
  Autoencoder,
  type EvaluationOptions,
  evaluateFlow,
  evaluateModel,
  type FlowEvaluationOptions,
} from '../models/index.ts';
import type { Runtime } from '../scheduler/index.ts';
import { isFlow, type LoadedFlow, type LoadedLatent } from '../training/model-folder.node.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { loadModel } from './common/device.ts';
import { DEQUANTIZED } from './common/layer-text.ts';
import { thousands } from './common/text.ts';
import { dataOptions, loadSubject, type Subject, type SubjectOptions } from './data/subject.ts';
import { type Findings, measure } from './measure.ts';

/** Rows whose likelihood is estimated unless more are asked for: it is nearly all of the work. */
const LIKELIHOOD_ROWS = 1000;

/** Importance samples of a row. */
const SAMPLES = 5000;

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
        `importance samples of a row, default ${SAMPLES} (0: no likelihood); of a flow on grey levels: draws of the dequantising noise, default 1`,
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
  await measure({ label: 'evaluating', loaded, subject, began }, context, (runtime, work) =>
    isFlow(loaded)
      ? ofFlow(runtime, loaded, subject, { ...work, draws: options.samples || 1 })
      : ofLatentModel(runtime, loaded, subject, {
          ...work,
          samples: options.samples ?? SAMPLES,
          likelihoodLimit: options.likelihoodLimit ?? options.limit ?? LIKELIHOOD_ROWS,
        }),
  );
}

async function ofFlow(
  runtime: Runtime,
  { model }: LoadedFlow,
  { dataset, rows }: Subject,
  options: FlowEvaluationOptions,
): Promise<Findings> {
  const evaluation = await evaluateFlow(runtime, model, dataset, rows, options);
  const { negativeLogLikelihood: nll, standardError, bitsPerDimension, draws } = evaluation;
  const { dequantization } = evaluation;
  return {
    figures: evaluation,
    lines: [
      ['-log p(x)', `${nll.toFixed(4)} ± ${standardError.toFixed(4)} nats`],
      ...(bitsPerDimension !== null && dequantization !== 'none'
        ? [
            [
              'bits/dim',
              `${bitsPerDimension.toFixed(4)} ± ${(standardError / (model.features * Math.LN2)).toFixed(4)} ` +
                `(256 grey levels, ${DEQUANTIZED[dequantization]}, ${draws} ${draws === 1 ? 'draw' : 'draws'} a row)`,
            ],
          ]
        : []),
    ],
  };
}

async function ofLatentModel(
  runtime: Runtime,
  { model, config }: LoadedLatent,
  { dataset, rows }: Subject,
  options: EvaluationOptions,
): Promise<Findings> {
  const evaluation = await evaluateModel(runtime, model, dataset, rows, options);
  const { nll, negativeElbo, standardError, kl, activeUnits } = evaluation;
  const isVae = !(model instanceof Autoencoder);
  const error = (value: number) => `± ${value.toFixed(2)}`;
  return {
    figures: evaluation,
    lines: [
      [
        isVae ? 'negative ELBO' : 'reconstruction',
        `${negativeElbo.toFixed(3)} ${error(standardError)} nats`,
      ],
      ...(isVae
        ? [
            ['kl', `${kl?.toFixed(3)} nats`],
            ['active units', `${activeUnits} of ${config.latent}`],
          ]
        : []),
      ...(nll
        ? [
            [
              '-log p(x)',
              `${nll.value.toFixed(3)} ${error(nll.standardError)} nats (${thousands(nll.samples)} ` +
                `samples, ${thousands(nll.count)} rows, effective ${nll.effectiveSampleSize.toFixed(1)})`,
            ],
          ]
        : []),
    ],
  };
}
