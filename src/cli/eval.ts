// latentgpu eval: how good a model is on held-out data.
import { type Command, Option } from 'commander';
import { LatentGpuError } from '../errors.ts';
import { Autoencoder, evaluateModel } from '../models/index.ts';
import type { LoadedModel } from '../training/folder.node.ts';
import { BINARIZATIONS, type Binarization, binarizedRows } from '../training/index.ts';
import { type CommonOptions, type Context, common, countOption, runCommand } from './command.ts';
import { atMost, checkShape, chooseBinarization, loadNamed, loadSplit } from './data.ts';
import { loadModel, withModel } from './device.ts';
import { table, thousands } from './text.ts';

/** Rows whose likelihood is estimated unless more are asked for: it is nearly all of the work. */
const LIKELIHOOD_ROWS = 1000;

interface EvalOptions extends CommonOptions {
  data?: string;
  dataDir?: string;
  split: 'train' | 'test';
  samples: number;
  limit?: number;
  likelihoodLimit?: number;
  binarize?: Binarization;
}

export function evalCommand(program: Command): void {
  const command = program
    .command('eval')
    .description(
      'Evaluates a model: bound, divergence, log-likelihood with its error, active units.',
    )
    .argument('<dir>', 'model folder')
    .option('--data <name|file>', 'default: what the model was trained on')
    .option('--data-dir <dir>', 'folder with the MNIST files')
    .addOption(
      new Option('--split <split>', 'which part of the data')
        .choices(['train', 'test'])
        .default('test'),
    )
    .addOption(
      countOption('--samples <n>', 'importance samples of a row; 0: no likelihood', 0).default(
        5000,
      ),
    )
    .addOption(countOption('--limit <n>', 'evaluate the first n rows only'))
    .addOption(
      countOption(
        '--likelihood-limit <n>',
        `rows for the likelihood; default: --limit, else ${LIKELIHOOD_ROWS}`,
      ),
    )
    .addOption(new Option('--binarize <how>', 'default: as in training').choices(BINARIZATIONS))
    .action((dir: string, options: EvalOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  common(command, 'latentgpu eval runs/mnist --samples 500 --limit 1000 --json');
}

async function perform(dir: string, options: EvalOptions, context: Context): Promise<void> {
  const began = performance.now();
  const { out, signal } = context;
  const seed = context.seed ?? 0;
  const loaded = await loadModel(dir, out);
  const dataset = atMost(await dataFor(loaded, options, dir, context), options.limit);
  checkShape(dataset, loaded.config.data.shape);
  const trained = loaded.record?.config as { binarize?: Binarization; seed?: number } | undefined;
  const asked = options.binarize ?? (options.data === undefined ? trained?.binarize : undefined);
  const binarization = chooseBinarization(asked ?? 'auto', loaded.config.likelihood, dataset);
  // Data that are drawn once are part of the data set: they are those of the training run.
  const drawSeed = binarization === 'once' ? (trained?.seed ?? 0) : seed;
  await withModel(loaded, async (runtime, device) => {
    const evaluation = await out.progress('evaluating', (bar) =>
      evaluateModel(
        runtime,
        loaded.model,
        dataset,
        (a, b) => binarizedRows(dataset, a, b, binarization, drawSeed),
        {
          samples: options.samples,
          likelihoodLimit: options.likelihoodLimit ?? options.limit ?? LIKELIHOOD_ROWS,
          seed,
          signal,
          onProgress: (fraction) => bar.update(fraction),
        },
      ),
    );
    const result = {
      ...evaluation,
      binarization,
      data: dataset.name,
      split: options.split,
      seed,
      adapter: device.adapter.name,
      seconds: Number(((performance.now() - began) / 1000).toFixed(3)),
    };
    const { nll } = evaluation;
    const isVae = !(loaded.model instanceof Autoencoder);
    const error = (value: number) => `± ${value.toFixed(2)}`;
    out.result(
      result,
      table([
        ['data', `${dataset.name}, ${thousands(evaluation.count)} rows, binarize ${binarization}`],
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

async function dataFor(
  { record, config }: LoadedModel,
  options: EvalOptions,
  dir: string,
  { out }: Context,
) {
  const { data, dataDir, split } = options;
  const folder = dataDir ?? record?.data.dataDir;
  const where = folder !== undefined && { dataDir: folder };
  if (data !== undefined) return await loadNamed({ data, ...where }, split, out);
  if (record) {
    const holdOut = (record.config.holdOut ?? 0) as number;
    return await loadSplit({ ...record.data, ...where }, split, holdOut, out);
  }
  const name =
    config.data.name === undefined ? '' : ` (its model.json speaks of ${config.data.name})`;
  throw new LatentGpuError(
    'bad-config',
    `${dir} does not say what data it was trained on${name}; name them with --data`,
  );
}
