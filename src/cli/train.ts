// latentgpu train: trains a model and leaves a folder.
import { basename, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readIfPresent } from '../data/files.node.ts';
import { LatentGpuError } from '../errors.ts';
import { FAMILIES, type Family, LAYER_KEYS } from '../models/index.ts';
import { allowed, flatten, type Given, type Schema, type Values } from '../models/schema.ts';
import { nearest } from '../nearest.ts';
import { FREE_KEYS } from '../training/config.ts';
import {
  assignments,
  fileValues,
  RUN_KEYS,
  type Sources,
  settleData,
  settleRun,
} from '../training/index.ts';
import { holdingFolder } from '../training/lock.node.ts';
import { readRecord } from '../training/model-folder.node.ts';
import { checkOutput } from '../training/output.node.ts';
import type { TrainingRecord } from '../training/record.ts';
import { RunFolder } from '../training/run-folder.node.ts';
import { type TuneMode, tuneMode } from '../tuning/index.ts';
import { type CommonOptions, type Context, common, countOption, runCommand } from './command.ts';
import type { DataChoice } from './data.ts';
import { EXIT } from './failure.ts';
import type { RunRequest } from './prepare.ts';
import { type RunSummary, train } from './run.ts';
import { duration, table } from './text.ts';

interface TrainOptions extends CommonOptions {
  config?: string;
  set?: string[];
  data?: string;
  dataDir?: string;
  test?: string;
  holdOut?: number;
  standardize?: boolean;
  labelColumn?: string;
  limit?: number;
  epochs?: number;
  steps?: number;
  batch?: number;
  binarize?: string;
  out?: string;
  tune?: TuneMode;
  resume?: boolean;
  force?: boolean;
  keys?: boolean;
}

export function trainCommand(program: Command): void {
  const command = program
    .command('train')
    .description('Trains a model and leaves a folder: weights, checkpoint, metrics, pictures.')
    .argument('[family]', FAMILIES.join(', '))
    .option('--data <name|path>', 'digits, mnist, moons …; IDX, .npy, .csv, PNGs')
    .option('--data-dir <dir>', 'folder with the MNIST files')
    .option('--test <path>', 'test split, for data from a file or folder')
    .addOption(
      new Option('--hold-out <n>', 'rows to evaluate on instead: a number or a fraction').argParser(
        amount,
      ),
    )
    .option('--standardize', 'for values of any range: (x - mean) / deviation')
    .option('--label-column <name>', "a table's column of classes, which is no feature")
    .addOption(countOption('--limit <n>', 'train on the first n rows only'))
    .addOption(countOption('--epochs <n>', 'passes over the data, in all'))
    .addOption(countOption('--steps <n>', 'steps in all, in place of epochs'))
    .addOption(countOption('--batch <n>', 'data points in a step'))
    .option('--binarize <how>', 'resampled, once, static or none')
    .option('--config <file.json>', 'keys from a file')
    .option('--set <key=value...>', 'keys, e.g. latent=7 optimizer.lr=3e-4')
    .option('--keys', 'list every key, what it may be and its default')
    .option('--tune <how>', 'kernels by measurement: off, remembered, auto or on', (how) =>
      tuneMode(how, '--tune'),
    )
    .option('--out <dir>', 'the folder; default: runs/<data>-<family>')
    .option('--resume', 'continue the run in the folder up to the given total')
    .option('--force', 'overwrite the model in the folder')
    .action((family: string | undefined, options: TrainOptions) =>
      runCommand(options, (context) => perform(family, options, context)),
    );
  common(
    command,
    'latentgpu train vae --data mnist --epochs 5 --out runs/mnist\n' +
      'latentgpu train realnvp --data moons\n' +
      'latentgpu train vae --resume --epochs 10 --out runs/mnist',
  );
}

async function perform(
  name: string | undefined,
  options: TrainOptions,
  context: Context,
): Promise<void> {
  if (options.keys) {
    context.out.result(RUN_KEYS, keysTable());
    return;
  }
  const family = FAMILIES.find((known) => known === name);
  if (!family) {
    const why = name === undefined ? 'say what to train' : `cannot train '${name}'`;
    const hint = name === undefined ? '' : `; did you mean '${nearest(name, FAMILIES)}'?`;
    throw new LatentGpuError(
      'bad-config',
      `${why}: ${FAMILIES.join(', ')}, as in \`latentgpu train vae --data digits\`${hint}`,
    );
  }
  if (!options.resume) {
    finish(await train(await fresh(family, options, context), context), context);
    return;
  }
  const folder = options.out ?? (options.data && defaultFolder(options.data, family));
  if (folder === undefined) {
    throw new LatentGpuError('bad-config', 'name the folder of the run to continue with --out');
  }
  await checkOutput({ folder, resume: true, force: false });
  // Held while it is read, too: nobody may carry the run on meanwhile.
  await holdingFolder(folder, async () => {
    await checkOutput({ folder, resume: true, force: false });
    const request = await continued(folder, family, options, context);
    finish(await train(request, context), context);
  });
}

const dashed = (name: string) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

/** A number of rows, or a fraction of them. */
function amount(text: string): number {
  const value = Number(text);
  const isFraction = value > 0 && value < 1;
  if (text.trim() !== '' && (isFraction || (Number.isSafeInteger(value) && value >= 0)))
    return value;
  throw new InvalidArgumentError('It must be a fraction below 1 or a whole number of rows');
}

/** What the command line and its file ask for, weakest first. */
async function asked(options: TrainOptions, context: Context): Promise<Map<string, Given>[]> {
  const sources: Map<string, Given>[] = [];
  if (options.config !== undefined) {
    const bytes = await readIfPresent(options.config);
    if (!bytes) {
      throw new LatentGpuError('bad-input', `--config: no such file: ${options.config}`);
    }
    sources.push(fileValues(new TextDecoder().decode(bytes), options.config));
  }
  sources.push(assignments(options.set ?? []));
  const flags = new Map<string, Given>();
  for (const name of ['epochs', 'steps', 'batch', 'binarize', 'holdOut', 'standardize'] as const) {
    const value = options[name];
    if (value !== undefined) flags.set(name, { value, source: `--${dashed(name)}` });
  }
  if (context.seed !== undefined) flags.set('seed', { value: context.seed, source: '--seed' });
  sources.push(flags);
  return sources;
}

function choice(options: TrainOptions & { data: string }): DataChoice {
  const { data, dataDir, test, limit, labelColumn } = options;
  return {
    data,
    ...(dataDir !== undefined && { dataDir }),
    ...(test !== undefined && { test }),
    ...(limit !== undefined && { limit }),
    ...(labelColumn !== undefined && { labelColumn }),
  };
}

async function fresh(family: Family, options: TrainOptions, context: Context): Promise<RunRequest> {
  const { data } = options;
  if (data === undefined) {
    throw new LatentGpuError(
      'bad-config',
      'name the data: --data digits (built in), --data mnist, or --data and a file or folder',
    );
  }
  const sources = await asked(options, context);
  // Data may be large, and mistakes need not wait for them; defaults may yet change with them.
  checkKeys(family, sources);
  return {
    family,
    sources,
    data: choice({ ...options, data }),
    folder: options.out ?? defaultFolder(data, family),
    force: options.force === true,
    ...(options.tune !== undefined && { tune: options.tune }),
    resume: undefined,
  };
}

/** What suits neither continuous data nor others is a mistake in any case. */
function checkKeys(family: Family, sources: Sources): void {
  try {
    settleRun(family, sources, { isContinuous: true });
  } catch {
    settleRun(family, sources, { isContinuous: settleData(sources).standardize });
  }
}

/** `runs/mnist-vae`, `runs/table-vae` of `/some/where/table.csv.gz`. */
function defaultFolder(data: string, family: Family): string {
  const name = basename(resolve(data)).replace(/(.)\..*$/, '$1');
  return `runs/${name}-${family}`;
}

async function continued(
  folder: string,
  family: Family,
  options: TrainOptions,
  context: Context,
): Promise<RunRequest> {
  if (options.tune !== undefined) {
    throw new LatentGpuError(
      'bad-config',
      '--tune: a continued run keeps the kernels it began with; leave it out, or train anew with another --out',
    );
  }
  const record = (await readRecord(folder)) as TrainingRecord;
  if (record.family !== family) {
    throw new LatentGpuError(
      'bad-config',
      `${folder} holds a model of family ${record.family}, not ${family}; \`train ${record.family}\` continues it`,
    );
  }
  const before = flatten(RUN_KEYS, record.config, `${folder}/training.json`);
  const sources = [before, ...(await asked(options, context))];
  refuseChanges(settleRun(family, [before]), settleRun(family, sources), folder);
  const { data, dataDir, test, limit, labelColumn } = record.data;
  return {
    family,
    sources,
    data: choice({
      dataDir,
      test,
      limit,
      labelColumn,
      ...given(options),
      data: options.data ?? data,
    }),
    folder,
    force: false,
    resume: { record, checkpoint: await new RunFolder(folder).readCheckpoint() },
  };
}

/** The options about data that were given. */
function given({ dataDir, test, limit, labelColumn }: TrainOptions): Partial<TrainOptions> {
  return Object.fromEntries(
    Object.entries({ dataDir, test, limit, labelColumn }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

/** A continued run equals an uninterrupted one, or is none. */
function refuseChanges(before: Values, now: Values, folder: string): void {
  const changed = [...now].find(
    ([name, value]) =>
      !FREE_KEYS.includes(name) && JSON.stringify(before.get(name)) !== JSON.stringify(value),
  );
  if (!changed) return;
  const [name, value] = changed;
  throw new LatentGpuError(
    'bad-config',
    `${name} is ${JSON.stringify(before.get(name))} in ${folder} and cannot become ${JSON.stringify(value)} ` +
      'in a continued run; leave it out, or train anew with another --out',
  );
}

/** The result, and where to go on if the run was stopped. */
export function finish(summary: RunSummary, { out }: Context): void {
  const { reason, folder, family, step, epoch, loss } = summary;
  const tested = summary.negativeElbo ?? summary.negativeLogLikelihood;
  const bits = summary.bitsPerDimension;
  if (reason === 'interrupted') {
    out.result(summary, '');
    out.remark(
      `stopped at step ${step} (epoch ${epoch.toFixed(2)}), saved; continue with: ` +
        `npx latentgpu train ${family} --resume --out ${folder}`,
    );
    process.exitCode = EXIT.interrupted;
    return;
  }
  const text = [
    `${folder}: ${summary.files.join(', ')}`,
    [
      ...(loss !== null ? [`loss ${loss.toFixed(2)}`] : []),
      ...(tested !== null ? [`test ${tested.toFixed(2)}`] : []),
      ...(bits !== null ? [`${bits.toFixed(3)} bits/dim`] : []),
      `${Number(epoch.toFixed(2))} epochs`,
      duration(summary.seconds),
      ...(summary.msPerStep !== null ? [`${summary.msPerStep.toFixed(1)} ms a step`] : []),
    ].join(', '),
    ...(reason === 'stale' ? ['stopped early: patience ran out; the best weights were kept'] : []),
  ].join('\n');
  out.result(summary, out.quiet ? '' : text);
}

function keysTable(): string {
  const rows = Object.entries(RUN_KEYS).map(([name, key]) => {
    const fallback = typeof key.default === 'function' ? 'depends' : JSON.stringify(key.default);
    const { family } = key.when ?? {};
    const of = family && family.length < FAMILIES.length ? ` (${family.join(', ')})` : '';
    return [name, fallback, `${key.help}; ${allowed(key)}${of}`];
  });
  return [
    table([['key', 'default', 'what it is'], ...rows]),
    'Layers of a flow, and the keys that each may have:',
    table(layerRows()),
  ].join('\n\n');
}

function layerRows(): string[][] {
  return Object.entries(LAYER_KEYS).map(([type, keys]: [string, Schema]) => [
    type,
    Object.entries(keys)
      .map(([name, key]) => `${name} ${JSON.stringify(key.default)}`)
      .join(', '),
  ]);
}
