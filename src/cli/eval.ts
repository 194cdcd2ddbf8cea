// latentgpu eval: how good a model is on held-out data.
import type { Command } from 'commander';
import { logScale } from '../data/standardize.ts';
import { Autoencoder, evaluateFlow, evaluateModel } from '../models/index.ts';
import { isFlow, type LoadedFlow, type LoadedLatent } from '../training/model-folder.node.ts';
import { type CommonOptions, type Context, common, countOption, runCommand } from './command.ts';
import { loadModel, withModel } from './device.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './subject.ts';
import { table, thousands } from './text.ts';

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
  const loaded = await loadModel(dir, context.out);
  if (isFlow(loaded)) await ofFlow(dir, loaded, options, context);
  else await ofLatentModel(dir, loaded, options, context);
}

async function ofFlow(
  dir: string,
  loaded: LoadedFlow,
  options: EvalOptions,
  context: Context,
): Promise<void> {
  const began = performance.now();
  const { out, signal, seed = 0 } = context;
  const { model, standardization } = loaded;
  const subject = await loadSubject(dir, loaded, options, context, 'densities');
  await withModel(loaded, async (runtime, device) => {
    const evaluation = await out.progress('evaluating', (bar) =>
      evaluateFlow(runtime, model, subject.dataset, subject.rows, {
        draws: options.samples || 1,
        seed,
        ...(standardization && { logScale: logScale(standardization) }),
        signal,
        onProgress: (fraction) => bar.update(fraction),
      }),
    );
    const seconds = Number(((performance.now() - began) / 1000).toFixed(3));
    const { negativeLogLikelihood: nll, standardError, bitsPerDimension, draws } = evaluation;
    const { binarization: _, ...summary } = subject.summary;
    out.result(
      { ...evaluation, ...summary, seed, adapter: device.adapter.name, seconds },
      table([
        ['data', subject.title],
        ['-log p(x)', `${nll.toFixed(4)} ± ${standardError.toFixed(4)} nats`],
        ...(bitsPerDimension !== null
          ? [
              [
                'bits/dim',
                `${bitsPerDimension.toFixed(4)} ± ${(standardError / (model.features * Math.LN2)).toFixed(4)} ` +
                  `(256 grey levels, dequantised uniformly, ${draws} ${draws === 1 ? 'draw' : 'draws'} a row)`,
              ],
            ]
          : []),
        ['adapter', device.adapter.name],
        ['time', `${seconds.toFixed(1)} s`],
      ]),
    );
  });
}

async function ofLatentModel(
  dir: string,
  loaded: LoadedLatent,
  options: EvalOptions,
  context: Context,
): Promise<void> {
  const began = performance.now();
  const { out, signal } = context;
  const seed = context.seed ?? 0;
  const { model, standardization } = loaded;
  const subject = await loadSubject(dir, loaded, options, context, 'densities');
  await withModel(loaded, async (runtime, device) => {
    const evaluation = await out.progress('evaluating', (bar) =>
      evaluateModel(runtime, model, subject.dataset, subject.rows, {
        samples: options.samples ?? SAMPLES,
        likelihoodLimit: options.likelihoodLimit ?? options.limit ?? LIKELIHOOD_ROWS,
        seed,
        ...(standardization && { logScale: logScale(standardization) }),
        signal,
        onProgress: (fraction) => bar.update(fraction),
      }),
    );
    const result = {
      ...evaluation,
      ...subject.summary,
      seed,
      adapter: device.adapter.name,
      seconds: Number(((performance.now() - began) / 1000).toFixed(3)),
    };
    const { nll } = evaluation;
    const isVae = !(model instanceof Autoencoder);
    const error = (value: number) => `± ${value.toFixed(2)}`;
    out.result(
      result,
      table([
        ['data', subject.title],
        [
          isVae ? 'negative ELBO' : 'reconstruction',
          `${evaluation.negativeElbo.toFixed(3)} ${error(evaluation.standardError)} nats`,
        ],
        ...(isVae
          ? [
              ['kl', `${evaluation.kl?.toFixed(3)} nats`],
              ['active units', `${evaluation.activeUnits} of ${loaded.config.latent}`],
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
        ['adapter', device.adapter.name],
        ['time', `${result.seconds.toFixed(1)} s`],
      ]),
    );
  });
}
