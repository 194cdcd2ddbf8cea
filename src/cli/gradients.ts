// latentgpu gradients: how noisy each estimator's gradients are, on one model and one batch.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { LatentGpuError } from '../errors.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import { quote } from '../formats/message.ts';
import { type EstimateAbility, type EstimatorNoise, gradientNoise, need } from '../models/index.ts';
import { nearest } from '../nearest.ts';
import { gradientsPage } from '../report/gradients-page.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { loadModel, withModel } from './common/device.ts';
import { outputFile } from './common/files.ts';
import { table } from './common/text.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './data/subject.ts';

interface GradientsOptions extends CommonOptions, SubjectOptions {
  estimators?: string[];
  samples: number[];
  rows: number;
  repeats: number;
  html?: string;
}

export function gradientsCommand(program: Command): void {
  const command = program
    .command('gradients')
    .description(
      "Measures the gradients of a model's estimators on one batch: their mean, variance and signal-to-noise ratio over draws, for encoder and decoder.",
    )
    .argument('<dir>', 'model folder')
    .addOption(
      new Option(
        '--estimators <list>',
        'such as reparameterized,stl,dreg; default: all that the model has',
      ).argParser((text) => text.split(',').map((part) => part.trim())),
    )
    .addOption(
      new Option('--samples <list>', 'draws of the code a data point, K')
        .argParser(counts)
        .default([1, 4, 16, 64], '1,4,16,64'),
    )
    .addOption(countOption('--rows <n>', 'data points of the batch').default(20))
    .addOption(countOption('--repeats <n>', 'gradients of each', 2).default(200))
    .option('--html <file>', 'writes a page with plots over K')
    .action((dir: string, options: GradientsOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command);
  common(
    command,
    'latentgpu gradients runs/mnist --estimators stl,score --samples 1,4,16\n' +
      'latentgpu gradients runs/mnist-iwae --html gradients.html',
  );
}

function counts(text: string): number[] {
  const found = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (found.every((n) => Number.isSafeInteger(n) && n >= 1 && n <= 4096)) return found;
  throw new InvalidArgumentError('It must be whole numbers from 1 to 4096, such as 1,4,16,64');
}

async function perform(dir: string, options: GradientsOptions, context: Context): Promise<void> {
  const began = performance.now();
  const { out, signal, seed = 0 } = context;
  if (options.html !== undefined) await outputFile(options.html, ['html'], '--html');
  const loaded = await loadModel(dir, out);
  const { model } = loaded;
  const ability = need(model, 'estimate', dir);
  const estimators = [...new Set(options.estimators ?? ability.estimators)];
  const samples = [...new Set(options.samples)];
  checkAsked(ability, options.estimators ?? [], samples);
  const subject = await loadSubject(
    dir,
    loaded,
    { ...options, limit: options.rows },
    context,
    'densities',
  );
  const { count } = subject.dataset;
  await withModel(loaded, async (runtime, device) => {
    const { repeats } = options;
    const found = await out.progress('measuring', (bar) =>
      gradientNoise(runtime, model, subject.rows, count, {
        ...{ estimators, samples, repeats, seed, signal },
        onProgress: (fraction) => bar.update(fraction),
      }),
    );
    const adapter = device.adapter.name;
    if (options.html !== undefined) {
      const about = `${dir}, ${subject.title}, ${repeats} gradients each, on ${adapter}`;
      await writeFileAtomic(options.html, await gradientsPage(found, about));
    }
    const seconds = Number(((performance.now() - began) / 1000).toFixed(3));
    out.result(
      {
        folder: dir,
        rows: count,
        repeats,
        gradients: found,
        ...subject.summary,
        seed,
        adapter,
        seconds,
      },
      [
        textOf(found),
        `of the mean over ${count} rows; ${repeats} gradients each; ${adapter}; ${seconds.toFixed(1)} s`,
        ...(options.html === undefined ? [] : [`written to ${options.html}`]),
      ].join('\n\n'),
    );
  });
}

/** @throws LatentGpuError `bad-config` for estimators that the model has not, or not with so many draws */
function checkAsked(
  { estimators, allows }: EstimateAbility,
  asked: readonly string[],
  samples: readonly number[],
): void {
  const bad = (why: string) => new LatentGpuError('bad-config', `--estimators: ${why}`);
  for (const name of asked) {
    if (!estimators.includes(name)) {
      throw bad(
        `${quote(name)} means nothing for this model, which has ${estimators.join(', ')}; did you mean ${nearest(name, estimators)}?`,
      );
    }
    if (samples.some((k) => allows(name, k))) continue;
    const least = [1, 2].find((k) => allows(name, k));
    throw bad(`${name} takes no ${samples.join(' or ')} draws; say --samples ${least}`);
  }
}

const short = (value: number) => value.toPrecision(3);

function textOf(found: readonly EstimatorNoise[]): string {
  const hasExact = found.some(({ encoder }) => encoder.error !== undefined);
  const rows = found.flatMap(({ estimator, samples, ...parts }) =>
    (['encoder', 'decoder'] as const).map((part) => {
      const { norm, variance, signalToNoise, error, chance } = parts[part];
      return [
        part === 'encoder' ? estimator : '',
        part === 'encoder' ? String(samples) : '',
        part,
        ...[norm, variance, signalToNoise].map(short),
        ...(hasExact
          ? [error === undefined ? '' : short(error), chance === undefined ? '' : short(chance)]
          : []),
      ];
    }),
  );
  const head = ['estimator', 'K', 'of', '|mean|', 'variance', 'signal/noise'];
  return table([[...head, ...(hasExact ? ['|mean - exact|', 'by chance'] : [])], ...rows]);
}
