// What is to be drawn: how many, of which classes or clusters, and how a picture of them is laid out.
import { InvalidArgumentError, Option } from 'commander';
import { LatentGpuError } from '../../errors.ts';
import { classesInTurn, lack, type Model } from '../../models/index.ts';
import { classesNamed, conditionOf, labelOption, toldTo } from './told.ts';

export interface WantedOptions {
  count?: number;
  cluster?: number | 'all';
  label?: string;
  labels?: string;
}

export interface Wanted {
  readonly count: number;
  /** The class or the cluster of each row, where any were asked for. */
  readonly of: { readonly labels?: Uint32Array; readonly groups?: Uint32Array };
  /** Of a picture with a row for each class or cluster. */
  readonly columns?: number;
  /** For whoever reads JSON. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Behind what was drawn. */
  readonly text: string;
}

/** Draws, and of each of several classes or clusters. */
const COUNT = 64;
const OF_EACH = 10;

export const wantedOptions = (): Option[] => [
  new Option(
    '--cluster <k>',
    'from one cluster of a mixture, numbered from 0 as `cluster` has them; all: a row each',
  ).argParser(clusterOf),
  labelOption('of a conditional model: this class; default: all in turn'),
  new Option('--labels <list>', 'these classes, a row each: 0-9 or cat,dog').conflicts([
    'label',
    'cluster',
  ]),
];

function clusterOf(text: string): number | 'all' {
  if (text === 'all') return text;
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be the number of a cluster, from 0, or all');
}

/** Who is asked. */
interface Drawn {
  /** What codes are drawn from. */
  readonly source: Model;
  /** What decodes them. */
  readonly model: Model;
  readonly dir: string;
}

/** @throws LatentGpuError `bad-input` for what the models do not know */
export function wanted(options: WantedOptions, { source, model, dir }: Drawn): Wanted {
  if (options.cluster !== undefined) return ofCluster(options.cluster, options, source, dir);
  if (options.labels !== undefined) return ofClasses(options.labels, options, model, dir);
  const { count = COUNT, label } = options;
  if (label !== undefined) {
    const { classes } = conditionOf(model, dir, '--label');
    const of = toldTo(model, dir, label, count);
    const name = classes[of.labels?.[0] ?? 0] as string;
    return { count, of, facts: { classes: [name] }, text: ` of class ${name}` };
  }
  const { condition } = model.can;
  if (!condition) return { count, of: {}, facts: {}, text: '' };
  return {
    count,
    of: { labels: classesInTurn(condition, count) },
    facts: {},
    text: `, classes in turn: ${condition.classes.join(', ')}`,
  };
}

/** Rows of each of several, one after the other. */
function eachOf(several: readonly number[], columns: number) {
  const count = several.length * columns;
  const each = Uint32Array.from(
    { length: count },
    (_, i) => several[Math.floor(i / columns)] as number,
  );
  return { count, each, columns };
}

function ofClasses(list: string, options: WantedOptions, model: Model, dir: string): Wanted {
  const condition = conditionOf(model, dir, '--labels');
  const several = classesNamed(condition, list, '--labels');
  const { each, ...laid } = eachOf(several, options.count ?? OF_EACH);
  const classes = several.map((c) => condition.classes[c] as string);
  const text = `, a row each: ${classes.join(', ')}`;
  return { ...laid, of: { labels: each }, facts: { classes }, text };
}

function ofCluster(
  cluster: number | 'all',
  options: WantedOptions,
  { can }: Model,
  dir: string,
): Wanted {
  const groups = can.draw?.groups;
  if (!groups) {
    const why = 'a model that knows no clusters to draw from; leave out --cluster';
    throw lack(can, 'draw.groups', dir, why);
  }
  const facts = { cluster };
  if (cluster === 'all') {
    const all = Array.from({ length: groups.count }, (_, k) => k);
    const { each, ...laid } = eachOf(all, options.count ?? OF_EACH);
    return { ...laid, of: { groups: each }, facts, text: ', a row a cluster' };
  }
  if (cluster >= groups.count) {
    throw new LatentGpuError(
      'bad-input',
      `--cluster ${cluster}: ${dir} has ${groups.count} clusters, 0 to ${groups.count - 1}`,
    );
  }
  const { count = COUNT } = options;
  return {
    count,
    of: { groups: new Uint32Array(count).fill(cluster) },
    facts,
    text: ` of cluster ${cluster}`,
  };
}
