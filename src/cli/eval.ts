// latentgpu eval: how good a model is on held-out data.
import type { Command } from 'commander';
import { logScale } from '../data/standardize.ts';
import { Autoencoder, evaluateModel } from '../models/index.ts';
import { type CommonOptions, type Context, common, countOption, runCommand } from './command.ts';
import { loadModel, withModel } from './device.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './subject.ts';
import { table, thousands } from './text.ts';

/** Rows whose likelihood is estimated unless more are asked for: it is nearly all of the work. */
const LIKELIHOOD_ROWS = 1000;

interface EvalOptions extends CommonOptions, SubjectOptions {
  split: 'train' | 'test';
  samples: number;
  likelihoodLimit?: number;
}

export function evalCommand(program: Command): void {
  const command = program
    .command('eval')
    .description('Evaluates a model: bound, log-likelihood with its error, active units.')
    .argument('<dir>', 'model folder')
    .addOption(
      countOption('--samples <n>', 'importance samples of a row; 0: no likelihood', 0).default(
        5000,
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
  const { out, signal } = context;
  const seed = context.seed ?? 0;
  const loaded = await loadModel(dir, out);
  const { model, standardization } = loaded;
  const subject = await loadSubject(dir, loaded, options, context, 'densities');
  await withModel(loaded, async (runtime, device) => {
    const evaluation = await out.progress('evaluating', (bar) =>
      evaluateModel(runtime, model, subject.dataset, subject.rows, {
        samples: options.samples,
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
