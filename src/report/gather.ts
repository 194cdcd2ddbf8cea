// The words and tables of a report: what a folder tells of its model.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { extentsText } from '../categories.ts';
import { readIfPresent } from '../data/files.node.ts';
import { isLatentGpuError } from '../errors.ts';
import { isObject } from '../formats/json.ts';
import { type Evaluation, familyOf, WEIGHTS_FILE } from '../models/index.ts';
import { spelled } from '../schema/index.ts';
import { duration, rowsText, thousands } from '../text.ts';
import { runKeys } from '../training/index.ts';
import type { LoadedModel } from '../training/model-folder.node.ts';
import { RECORD_FILE } from '../training/run-files.ts';
import type { Card } from './card.ts';
import type { Fact, ReportContent } from './content.ts';
import type { History } from './history.ts';
import type { Portrait } from './portrait.ts';
import { listWords, optionWords, quoted, trainLine } from './recipe.ts';
import type { Subject } from './subject.ts';

/** What was asked for, as a command line says it. */
export interface Asking {
  readonly data?: string;
  readonly dataDir?: string;
  readonly limit?: number;
  readonly binarize?: string;
  readonly hide?: string;
  /** How a table, an archive, series are read. */
  readonly header?: string;
  readonly encoding?: string;
  readonly drop?: readonly string[];
  readonly columns?: readonly string[];
  readonly array?: string;
  readonly window?: number;
  readonly stride?: number;
  readonly rate?: number;
  readonly samples?: number | undefined;
  /** Whether the bound is measured by its samples. */
  readonly curve?: boolean;
  readonly seed: number;
}

export interface ReportSources {
  readonly dir: string;
  readonly loaded: LoadedModel;
  /** This library's. */
  readonly version: string;
  readonly history: History | undefined;
  readonly portrait: Portrait;
  readonly likelihood: Card | undefined;
  readonly evaluation: Evaluation | undefined;
  readonly notes: readonly string[];
  /** That the report was made on. */
  readonly adapter: string;
  readonly asking: Asking;
  readonly subject: Subject | undefined;
}

export async function contentOf(sources: ReportSources): Promise<ReportContent> {
  const { loaded, history, portrait, likelihood, evaluation } = sources;
  const { config, record } = loaded;
  const notes = [...sources.notes];
  if (!record) {
    notes.push(
      `The folder has no ${RECORD_FILE}: the model was not trained here, and how it came about is not known.`,
    );
  }
  const { portrait: words } = loaded.model;
  notes.push(...(words?.notes ?? []));
  const family = familyOf(config.family);
  const keys = runKeys(family);
  const data = record?.data.name ?? config.data.name;
  return {
    title: `${family.title}${data === undefined ? '' : ` on ${data}`}`,
    subtitle: subtitleOf(loaded),
    facts: await factsOf(sources, words?.facts ?? []),
    notes,
    likelihood,
    history,
    pictures: portrait.pictures,
    dimensions: portrait.dimensions,
    curve: evaluation?.curve,
    layers: words?.layers ?? [],
    configuration: [
      ['family', config.family, ''],
      ...factsIn({ ...withoutFamily(config), ...record?.config }).map(([written, value]) => {
        const key = spelled(keys, written);
        return [key, value, Object.hasOwn(keys, key) ? (keys[key]?.help ?? '') : ''] as const;
      }),
    ],
    commands: commandsOf(sources, notes),
    versions: await versionsOf(sources),
  };
}

/** `28×28 pixels, a code of 20, 123,456 parameters`. */
function subtitleOf({ config: { data }, model }: LoadedModel): string {
  const { shape, sequence, categories } = data;
  const numbers = shape.length > 1 ? 'pixels' : model.features === 1 ? 'number' : 'numbers';
  const [steps, channels = 1] = shape;
  return [
    sequence
      ? `${steps} steps${channels > 1 ? ` of ${channels} channels` : ''}`
      : categories
        ? extentsText(shape, categories)
        : `${shape.join('×')} ${numbers}`,
    ...(model.portrait ? [model.portrait.inside] : []),
    `${thousands(model.parameterCount())} parameters`,
  ].join(', ');
}

function withoutFamily({ family: _, ...rest }: LoadedModel['config']) {
  return rest;
}

/** A nested object as dotted keys and texts. */
function factsIn(value: unknown, path = ''): Fact[] {
  if (isObject(value)) {
    return Object.entries(value).flatMap(([name, inner]) =>
      factsIn(inner, path ? `${path}.${name}` : name),
    );
  }
  return [[path, textOf(value)]];
}

function textOf(value: unknown): string {
  if (!Array.isArray(value)) return String(value ?? 'none');
  const items = value.map((item) => (typeof item === 'object' ? JSON.stringify(item) : item));
  return `[${items.join(', ')}]`;
}

async function factsOf(
  { dir, loaded: { record, standardization }, history, version }: ReportSources,
  parts: readonly Fact[],
): Promise<Fact[]> {
  const written = await stat(join(dir, WEIGHTS_FILE)).catch(() => undefined);
  const facts: (Fact | undefined)[] = [
    record && [
      'data',
      `${record.data.name}, ${rowsText(record.data.count)}${standardization ? ', standardised' : ''}`,
    ],
    ...parts,
    history && ['training', trainingText(history)],
    record && [
      'trained on',
      `${record.adapter?.name}${record.adapter?.isSoftware ? ', software' : ''}`,
    ],
    ['version', `latentgpu ${record?.version ?? version}`],
    written && ['weights of', `${written.mtime.toISOString().slice(0, 16).replace('T', ' ')} UTC`],
  ];
  return facts.filter((each) => each !== undefined);
}

function trainingText({ steps, seconds }: History): string {
  const last = steps.at(-1) as number;
  const ms = `${((1000 * seconds) / last).toFixed(1)} ms`;
  return last === 1
    ? `one step of ${ms}`
    : `${thousands(last)} steps in ${duration(seconds)}, ${ms} a step`;
}

function commandsOf(
  { dir, loaded, asking, subject, likelihood }: ReportSources,
  notes: string[],
): Fact[] {
  const commands: Fact[] = [];
  if (loaded.record) {
    try {
      commands.push(['Trains the same model anew:', trainLine(loaded.record, `${dir}-again`)]);
    } catch (error) {
      if (!isLatentGpuError(error)) throw error;
      notes.push(`What trained it cannot be told as a command: ${error.message}.`);
    }
  }
  const { drop, columns, curve } = asking;
  const words = [
    ...optionWords({
      '--data': asking.data,
      '--data-dir': asking.dataDir,
      '--split': subject && subject.split !== 'test' ? subject.split : undefined,
      '--header': asking.header,
      '--encoding': asking.encoding,
      '--array': asking.array,
      '--window': asking.window,
      '--stride': asking.stride,
      '--rate': asking.rate,
      '--hide': asking.hide,
      '--limit': asking.limit,
      '--binarize': asking.binarize,
      '--samples': asking.samples,
      '--seed': asking.seed,
    }),
    ...listWords('--drop', drop),
    ...listWords('--columns', columns),
  ];
  if (curve) words.push('--curve');
  if (likelihood) {
    commands.push([
      'Evaluates it, with the numbers above:',
      ['latentgpu eval', quoted(dir), ...words].join(' '),
    ]);
  }
  commands.push(['Makes this report:', ['latentgpu report', quoted(dir), ...words].join(' ')]);
  return commands;
}

async function versionsOf({ dir, loaded, adapter, version }: ReportSources): Promise<Fact[]> {
  const { record } = loaded;
  const weights = await readIfPresent(join(dir, WEIGHTS_FILE));
  const facts: (Fact | undefined)[] = [
    record && ['trained by', `latentgpu ${record.version}, ${record.runtime}`],
    record && ['trained on', `${record.adapter?.name} (${record.adapter?.source})`],
    ['report by', `latentgpu ${version}, Node.js ${process.versions.node}`],
    ['report on', adapter],
    ['report of', `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`],
    weights && [`SHA-256 of ${WEIGHTS_FILE}`, createHash('sha256').update(weights).digest('hex')],
    record && ['SHA-256 of the training rows', record.data.sha256],
  ];
  return facts.filter((each) => each !== undefined);
}
