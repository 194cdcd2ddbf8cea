// `metrics.jsonl` as curves.

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

type Line = Readonly<Record<string, unknown>>;

/** Points that a curve keeps: more could not be told apart. */
const POINTS = 1000;

function numberAt(line: Line, path: string): number | undefined {
  const value = path
    .split('.')
    .reduce<unknown>((at, name) => (at as Line | null | undefined)?.[name], line);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Where each quantity is in a line, by the title of its curve and its own name. */
function curvesOf(isVae: boolean): Record<string, Record<string, string>> {
  const bound = isVae ? 'test −ELBO' : 'test reconstruction error';
  return {
    'Loss (nats)': {
      training: 'loss',
      [bound]: 'evaluation.negativeElbo',
      'test −log p(x)': 'evaluation.nll.value',
    },
    'KL divergence (nats)': { training: 'kl', test: 'evaluation.kl' },
    'Gradient norm': { 'before clipping': 'gradientNorm' },
    'Learning rate': { 'learning rate': 'learningRate' },
    'Active units': { test: 'evaluation.activeUnits' },
    'Skipped updates': { 'so far': 'skipped' },
  };
}

/** Reads the text of a `metrics.jsonl`; a line that was cut off by a kill is left out. */
export function readHistory(text: string, isVae: boolean): History {
  const lines = new Map<number, Line>();
  let unreadable = 0;
  for (const written of text.split('\n').filter((each) => each.trim() !== '')) {
    const line = parsed(written);
    const step = line && numberAt(line, 'step');
    if (step === undefined) unreadable++;
    else lines.set(step, line as Line);
  }
  const ordered = [...lines].sort(([a], [b]) => a - b);
  const every = Math.ceil(ordered.length / POINTS);
  const last = ordered.length - 1;
  const kept = ordered.filter((_, i) => (last - i) % every === 0);
  const sum = (path: string) =>
    ordered.reduce((total, [, line]) => total + (numberAt(line, path) ?? 0), 0);
  const curves = Object.entries(curvesOf(isVae)).map(([title, paths]) => ({
    title,
    series: Object.entries(paths)
      .map(([name, path]) => ({ name, values: kept.map(([, line]) => numberAt(line, path)) }))
      .filter(({ values }) => values.some((value) => value !== undefined)),
  }));
  const final = ordered[last]?.[1];
  const skipped = (final && numberAt(final, 'skipped')) ?? 0;
  return {
    steps: kept.map(([step]) => step),
    // None was skipped: that is said in a word.
    curves: curves.filter(
      ({ title, series }) => series.length > 0 && (title !== 'Skipped updates' || skipped > 0),
    ),
    seconds: sum('seconds'),
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
