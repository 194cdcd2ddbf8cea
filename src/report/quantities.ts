// Which quantities of the lines of `metrics.jsonl` become curves, and which of them are drawn together:
// whatever a model says that it measures, and every number that its training told beside.
import { bitsPerDimension } from '../flows/index.ts';
import { Feed, type Model, type Quantity } from '../models/index.ts';
import { longLabel, shortLabel, spacedName } from './words.ts';

export type Line = Readonly<Record<string, unknown>>;

/** What a line tells of a quantity. */
export type Reading = (line: Line) => number | undefined;

/** Readings by the title of their curve and their own name. */
export type CurveTable = Readonly<Record<string, Readonly<Record<string, Reading>>>>;

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** The finite number at a dotted path. */
export function valueAt(path: string): Reading {
  const names = path.split('.');
  return (line) =>
    numberOf(names.reduce<unknown>((at, name) => (at as Line | null | undefined)?.[name], line));
}

export const SKIPPED = 'Skipped updates';

/** Of a line: how far the run was, and what is drawn in a place of its own. */
const KNOWN: readonly string[] = [
  'step',
  'epoch',
  'steps',
  'skipped',
  'seconds',
  'loss',
  'gradientNorm',
  'learningRate',
];

/** What a model measures of data, the loss first. */
export interface Measured {
  readonly quantities: readonly Pick<Quantity, 'name' | 'label' | 'unit'>[];
  /** Whether the first of them is what training lowers, and no bound of it. */
  readonly isExact: boolean;
  /** Of a loss in nats, where it is one of grey levels; those of held-out data are written down. */
  readonly bits?: (nats: number) => number;
}

export function measuredBy(model: Model): Measured {
  const { can, features } = model;
  const { grey } = can;
  return {
    // Their graphs are not run: only what they are called counts.
    quantities: can.quantities?.(new Feed(model, 1).batch) ?? [],
    isExact: can.logWeights?.exact === true,
    ...(grey && { bits: (nats: number) => bitsPerDimension(-nats, features, grey.levels) }),
  };
}

const unitText = (unit: string) => (unit ? ` (${unit})` : '');
const heading = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param lines all that was told, in any order */
export function curvesOf(
  { quantities, isExact, bits }: Measured,
  lines: readonly Line[],
): CurveTable {
  const loss = valueAt('loss');
  const [main, ...others] = quantities;
  const unit = unitText(main?.unit ?? 'nats');
  const tested: Readonly<Record<string, Reading>> = main
    ? { [isExact ? 'test' : `test ${shortLabel(main.label)}`]: valueAt(`evaluation.${main.name}`) }
    : {};
  return {
    [main && isExact ? `Loss, ${shortLabel(main.label)}${unit}` : `Loss${unit}`]: {
      training: loss,
      ...tested,
      ...(!isExact && { 'test −log p(x)': valueAt('evaluation.nll.value') }),
    },
    ...Object.fromEntries(
      others.map(({ name, label, unit: own }) => [
        `${heading(longLabel(label))}${unitText(own)}`,
        { training: valueAt(name), test: valueAt(`evaluation.${name}`) },
      ]),
    ),
    ...(bits && {
      'Bits per dimension': {
        training: (line: Line) => {
          const nats = loss(line);
          return nats === undefined ? undefined : bits(nats);
        },
        test: valueAt('evaluation.bitsPerDimension'),
      },
    }),
    ...Object.fromEntries(
      metricsIn(
        lines,
        others.map(({ name }) => name),
      ).map((name) => [spacedName(name), { training: (line: Line) => numberOf(line[name]) }]),
    ),
    'Gradient norm': { 'before clipping': valueAt('gradientNorm') },
    'Learning rate': { 'learning rate': valueAt('learningRate') },
    'Active units': { test: valueAt('evaluation.activeUnits') },
    [SKIPPED]: { 'so far': valueAt('skipped') },
  };
}

/** Names of numbers that have no place yet, in the order in which they are met. */
function metricsIn(lines: readonly Line[], named: readonly string[]): string[] {
  const found = new Set<string>();
  for (const line of lines) {
    for (const [name, value] of Object.entries(line)) {
      if (typeof value === 'number') found.add(name);
    }
  }
  return [...found].filter((name) => !KNOWN.includes(name) && !named.includes(name));
}
