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
export function wanted(options: WantedOptions, asked: Drawn): Wanted {
  if (options.cluster !== undefined) return ofCluster(options.cluster, options, asked);
  const { model, dir } = asked;
  if (options.labels !== undefined) return ofClasses(options.labels, options, model, dir);
  const { count = COUNT } = options;
  const { labels, ...said } = classed(options, asked, count);
  return { count, of: labels ? { labels } : {}, ...said };
}

/** The classes of so many rows: that of `--label`; of a conditional model that is told none, all in turn. */
function classed(
  { label }: WantedOptions,
  { model, dir }: Drawn,
  count: number,
): Pick<Wanted, 'facts' | 'text'> & { readonly labels?: Uint32Array } {
  if (label !== undefined) {
    const { classes } = conditionOf(model, dir, '--label');
    const told = toldTo(model, dir, label, count);
    const name = classes[told.labels?.[0] ?? 0] as string;
    return { ...told, facts: { classes: [name] }, text: ` of class ${name}` };
  }
  const { condition } = model.can;
  if (!condition) return { facts: {}, text: '' };
  const text = `, classes in turn: ${condition.classes.join(', ')}`;
  return { labels: classesInTurn(condition, count), facts: {}, text };
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

function ofCluster(cluster: number | 'all', options: WantedOptions, asked: Drawn): Wanted {
  const { dir, source } = asked;
  const groups = source.can.draw?.groups;
  if (!groups) {
    const why = 'a model that knows no clusters to draw from; leave out --cluster';
    throw lack(source.can, 'draw.groups', dir, why);
  }
  if (cluster !== 'all' && cluster >= groups.count) {
    throw new LatentGpuError(
      'bad-input',
      `--cluster ${cluster}: ${dir} has ${groups.count} clusters, 0 to ${groups.count - 1}`,
    );
  }
  const isAll = cluster === 'all';
  const several = isAll ? Array.from({ length: groups.count }, (_, k) => k) : [cluster];
  const { count, each, columns } = eachOf(several, options.count ?? (isAll ? OF_EACH : COUNT));
  const { labels, facts, text } = classed(options, asked, count);
  return {
    count,
    of: { groups: each, ...(labels && { labels }) },
    ...(isAll && { columns }),
    facts: { cluster, ...facts },
    text: `${isAll ? ', a row a cluster' : ` of cluster ${cluster}`}${text}`,
  };
}
