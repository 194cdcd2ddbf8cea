// The words and tables of a report: what a folder tells of its model.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent } from '../../data/files.node.ts';
import { isLatentGpuError } from '../../errors.ts';
import { isObject } from '../../formats/json.ts';
import { WEIGHTS_FILE } from '../../models/index.ts';
import type { Card } from '../../report/card.ts';
import type { Fact, ReportContent } from '../../report/content.ts';
import type { History } from '../../report/history.ts';
import { optionWords, quoted, trainLine } from '../../report/recipe.ts';
import { RUN_KEYS } from '../../training/index.ts';
import type { LoadedModel } from '../../training/model-folder.node.ts';
import { RECORD_FILE } from '../../training/run-files.ts';
import type { CommonOptions } from '../common/command.ts';
import { duration, thousands } from '../common/text.ts';
import { version } from '../common/version.ts';
import type { Subject, SubjectOptions } from '../data/subject.ts';
import type { Portrait } from './portrait.ts';
import { FAMILY, wordsOf } from './words.ts';

/** What was asked for. */
export interface ReportOptions extends CommonOptions, SubjectOptions {
  out?: string;
  samples?: number | undefined;
}

export interface ReportSources {
  readonly dir: string;
  readonly loaded: LoadedModel;
  readonly history: History | undefined;
  readonly portrait: Portrait;
  readonly likelihood: Card | undefined;
  readonly notes: readonly string[];
  /** That the report was made on. */
  readonly adapter: string;
  readonly options: ReportOptions;
  readonly subject: Subject | undefined;
}

export async function contentOf(sources: ReportSources): Promise<ReportContent> {
  const { dir, loaded, history, portrait, likelihood } = sources;
  const { config, record } = loaded;
  const notes = [...sources.notes];
  if (!record) {
    notes.push(
      `The folder has no ${RECORD_FILE}: the model was not trained here, and how it came about is not known.`,
    );
  }
  const words = wordsOf(loaded);
  notes.push(...words.notes);
  const data = record?.data.name ?? config.data.name;
  return {
    title: `${FAMILY[config.family]}${data === undefined ? '' : ` on ${data}`}`,
    subtitle: words.subtitle,
    facts: await factsOf(dir, loaded, words.facts, history),
    notes,
    likelihood,
    history,
    pictures: portrait.pictures,
    dimensions: portrait.dimensions,
    layers: words.layers,
    configuration: [
      ['family', config.family, ''],
      ...factsIn({ ...withoutFamily(config), ...record?.config }).map(
        ([key, value]) => [key, value, RUN_KEYS[key]?.help ?? ''] as const,
      ),
    ],
    commands: commandsOf(sources, notes),
    versions: await versionsOf(sources),
  };
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
  dir: string,
  { record, standardization }: LoadedModel,
  parts: readonly Fact[],
  history: History | undefined,
): Promise<Fact[]> {
  const written = await stat(join(dir, WEIGHTS_FILE)).catch(() => undefined);
  const facts: (Fact | undefined)[] = [
    record && [
      'data',
      `${record.data.name}, ${thousands(record.data.count)} rows${standardization ? ', standardised' : ''}`,
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
  return `${thousands(last)} steps in ${duration(seconds)}, ${((1000 * seconds) / last).toFixed(1)} ms a step`;
}

function commandsOf(
  { dir, loaded, options, subject, likelihood }: ReportSources,
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
  const { data, dataDir, limit, binarize, samples, seed } = options;
  const words = optionWords({
    '--data': data,
    '--data-dir': dataDir,
    '--split': subject && subject.summary.split !== 'test' ? subject.summary.split : undefined,
    '--limit': limit,
    '--binarize': binarize,
    '--samples': samples,
    '--seed': seed,
  });
  if (likelihood) {
    commands.push([
      'Evaluates it, with the numbers above:',
      ['latentgpu eval', quoted(dir), ...words].join(' '),
    ]);
  }
  commands.push(['Makes this report:', ['latentgpu report', quoted(dir), ...words].join(' ')]);
  return commands;
}

async function versionsOf({ dir, loaded, adapter }: ReportSources): Promise<Fact[]> {
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
