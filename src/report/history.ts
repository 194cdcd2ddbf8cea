// `metrics.jsonl` as curves.
import { curvesOf, type Line, type Measured, SKIPPED, valueAt } from './quantities.ts';

/** One quantity over the steps of a run; a step at which it was not measured has none. */
export interface Series {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
}

/** Quantities of one unit, to be drawn together. */
export interface Curve {
  readonly title: string;
  readonly series: readonly Series[];
}

export interface History {
  /** Ascending. */
  readonly steps: readonly number[];
  readonly curves: readonly Curve[];
  /** Of training alone. */
  readonly seconds: number;
  /** Updates that were skipped in all. */
  readonly skipped: number;
  /** Lines that are no report. */
  readonly unreadable: number;
}

/** Points that a curve keeps: more could not be told apart. */
const POINTS = 1000;

const stepOf = valueAt('step');
const skippedOf = valueAt('skipped');
const secondsOf = valueAt('seconds');

/** Reads the text of a `metrics.jsonl`; a line that was cut off by a kill is left out. */
export function readHistory(text: string, measured: Measured): History {
  const lines = new Map<number, Line>();
  let unreadable = 0;
  for (const written of text.split('\n').filter((each) => each.trim() !== '')) {
    const line = parsed(written);
    const step = line && stepOf(line);
    if (step === undefined) unreadable++;
    else lines.set(step, line as Line);
  }
  const ordered = [...lines].sort(([a], [b]) => a - b);
  const every = Math.ceil(ordered.length / POINTS);
  const last = ordered.length - 1;
  const kept = ordered.filter((_, i) => (last - i) % every === 0);
  const table = curvesOf(
    measured,
    ordered.map(([, line]) => line),
  );
  const curves = Object.entries(table).map(([title, quantities]) => ({
    title,
    series: Object.entries(quantities)
      .map(([name, of]) => ({ name, values: kept.map(([, line]) => of(line)) }))
      .filter(({ values }) => values.some((value) => value !== undefined)),
  }));
  const final = ordered[last]?.[1];
  const skipped = (final && skippedOf(final)) ?? 0;
  return {
    steps: kept.map(([step]) => step),
    // None was skipped: that is said in a word.
    curves: curves.filter(
      ({ title, series }) => series.length > 0 && (title !== SKIPPED || skipped > 0),
    ),
    seconds: ordered.reduce((total, [, line]) => total + (secondsOf(line) ?? 0), 0),
    skipped,
    unreadable,
  };
}

function parsed(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}
