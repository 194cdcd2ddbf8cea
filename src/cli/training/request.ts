// What `train` was asked for, from its options, its file of keys and the run that it continues.
import { basename, resolve } from 'node:path';
import { readIfPresent } from '../../data/files.node.ts';
import { areSequences } from '../../data/signals.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Family } from '../../models/index.ts';
import type { Given, Values } from '../../schema/index.ts';
import { FREE_KEYS } from '../../training/config.ts';
import {
  assignments,
  type Checkpoint,
  fileValues,
  keyValues,
  type Sources,
  settleData,
  settleRun,
} from '../../training/index.ts';
import { readRecord } from '../../training/model-folder.node.ts';
import type { TrainingRecord } from '../../training/record.ts';
import { placeOfRun } from '../../training/replacement.node.ts';
import { RunFolder } from '../../training/run-folder.node.ts';
import type { TuneMode } from '../../tuning/index.ts';
import type { CommonOptions, Context } from '../common/command.ts';
import type { DataChoice } from '../data/choice.ts';
import { type TableFlags, tableChoice } from '../data/table-options.ts';
import { type WindowFlags, windowChoice } from '../data/window-options.ts';
import { type Range, rangeIn } from './range.ts';

export interface TrainOptions extends CommonOptions, TableFlags, WindowFlags {
  config?: string;
  set?: string[];
  data?: string;
  dataDir?: string;
  test?: string;
  holdOut?: number;
  standardize?: boolean;
  labelColumn?: string;
  target?: string;
  condition?: string;
  hide?: string;
  hideLabels?: number;
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

export interface RunRequest {
  readonly family: Family;
  /** What was asked for; defaults depend on the data. */
  readonly sources: Sources;
  readonly data: DataChoice;
  /** A column, as `--target` names it. */
  readonly target?: string;
  /** Columns, as `--condition` names them. */
  readonly condition?: string;
  readonly folder: string;
  readonly force: boolean;
  /** Of a run that begins; default: as the environment says. */
  readonly tune?: TuneMode;
  /** Sizes of which the best is to be trained. */
  readonly range?: Range;
  /** The run to continue. */
  readonly resume: { readonly record: TrainingRecord; readonly checkpoint: Checkpoint } | undefined;
}

const dashed = (name: string) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

/** What the command line and its file ask for, weakest first. */
async function asked(
  family: Family,
  options: TrainOptions,
  context: Context,
): Promise<Map<string, Given>[]> {
  const sources: Map<string, Given>[] = [];
  if (options.config !== undefined) {
    const bytes = await readIfPresent(options.config);
    if (!bytes) {
      throw new LatentGpuError('bad-input', `--config: no such file: ${options.config}`);
    }
    sources.push(fileValues(family, new TextDecoder().decode(bytes), options.config));
  }
  sources.push(assignments(family, options.set ?? []));
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
  const { data, dataDir, test, limit, array, labelColumn, hide, hideLabels } = options;
  const table = tableChoice(options);
  const windows = windowChoice(options);
  return {
    data,
    ...(dataDir !== undefined && { dataDir }),
    ...(test !== undefined && { test }),
    ...(limit !== undefined && { limit }),
    ...(array !== undefined && { array }),
    ...(labelColumn !== undefined && { labelColumn }),
    ...(table && { table }),
    ...(windows && { windows }),
    ...(hide !== undefined && { hide }),
    ...(hideLabels !== undefined && { hideLabels }),
  };
}

export async function fresh(
  family: Family,
  options: TrainOptions,
  context: Context,
): Promise<RunRequest> {
  const { data } = options;
  if (data === undefined) {
    throw new LatentGpuError(
      'bad-config',
      'name the data: --data digits (built in), --data mnist, or --data and a file or folder',
    );
  }
  const { range, others } = rangeIn(family, options.set ?? []);
  const found = choice({ ...options, data });
  const sources = [
    ...usual(found),
    ...(await asked(family, { ...options, set: [...others] }, context)),
  ];
  // Data may be large, and mistakes need not wait for them; defaults may yet change with them.
  checkKeys(family, sources);
  return {
    family,
    sources,
    data: found,
    folder: options.out ?? defaultFolder(data, family),
    force: options.force === true,
    ...(options.tune !== undefined && { tune: options.tune }),
    ...(options.target !== undefined && { target: options.target }),
    ...(options.condition !== undefined && { condition: options.condition }),
    ...(range && { range }),
    resume: undefined,
  };
}

/** What goes for data unless something else is said: series are of any range. */
function usual({ data, windows }: DataChoice): Map<string, Given>[] {
  if (!areSequences(data, windows)) return [];
  return [new Map([['standardize', { value: true, source: '--window' }]])];
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
export function defaultFolder(data: string, family: Family): string {
  const name = basename(resolve(data)).replace(/(.)\..*$/, '$1');
  return `runs/${name}-${family.name}`;
}

export async function continued(
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
  if (options.target !== undefined) {
    throw new LatentGpuError(
      'bad-config',
      '--target: a continued run predicts the column it began with; leave it out, or train anew with another --out',
    );
  }
  if (options.condition !== undefined) {
    throw new LatentGpuError(
      'bad-config',
      '--condition: a continued run is told the columns it began with; leave it out, or train anew with another --out',
    );
  }
  const place = await placeOfRun(folder);
  const record = (await readRecord(place)) as TrainingRecord;
  if (record.family !== family.name) {
    throw new LatentGpuError(
      'bad-config',
      `${folder} holds a model of family ${record.family}, not ${family.name}; \`train ${record.family}\` continues it`,
    );
  }
  const before = keyValues(family, record.config, `${folder}/training.json`);
  const sources = [before, ...(await asked(family, options, context))];
  refuseChanges(settleRun(family, [before]), settleRun(family, sources), folder);
  const { data, dataDir, test, limit, array, labelColumn, table, windows, hide, hideLabels } =
    record.data;
  return {
    family,
    sources,
    data: choice({
      dataDir,
      test,
      limit,
      array,
      labelColumn,
      hide,
      hideLabels,
      ...table,
      ...windows,
      ...given(options),
      data: options.data ?? data,
    }),
    folder,
    force: false,
    resume: { record, checkpoint: await new RunFolder(place).readCheckpoint() },
  };
}

/** The options about data that were given. */
function given(options: TrainOptions): Partial<TrainOptions> {
  const { dataDir, test, limit, array, labelColumn, hide, hideLabels } = options;
  const { window, stride, rate } = options;
  const said = {
    ...{ dataDir, test, limit, array, labelColumn, hide, hideLabels, window, stride, rate },
    ...tableChoice(options),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
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
