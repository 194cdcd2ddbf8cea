// One run of the benchmark against another.
import { type BenchReport, COLD_START, pointName } from './report.ts';
import { type Interval, ratioOfMedians } from './statistics.ts';
import { type Column, formatTable, short } from './table.ts';

export interface ComparedRow {
  readonly name: string;
  /** Whether it is a point of a curve. */
  readonly isPoint: boolean;
  readonly beforeMs: number;
  readonly nowMs: number;
  /** Median now over median before; below 1 is faster. */
  readonly ratio: Interval;
  /** The same of the fastest samples. */
  readonly bestRatio: number;
  /** A change that the interval does not explain, and that the fastest samples show as well. */
  readonly verdict: 'faster' | 'slower' | 'same';
}

export interface Comparison {
  /** Why the runs may not be comparable: other adapters, clocks, hosts. */
  readonly warnings: readonly string[];
  readonly rows: readonly ComparedRow[];
  /** Measured now and not before. */
  readonly added: readonly string[];
}

/** Fastest samples of the same program differ by as much, from run to run on a shared machine. */
const SAME_BEST = 0.05;

interface Comparable {
  readonly samples: readonly number[];
  readonly isPoint: boolean;
}

/** Everything in a report that has samples, by name. */
function comparables({ rows, coldStart, curves = [] }: BenchReport): Map<string, Comparable> {
  const all = new Map<string, Comparable>();
  for (const { name, samples } of rows) all.set(name, { samples, isPoint: false });
  if (coldStart) all.set(COLD_START, { samples: coldStart.samples, isPoint: false });
  for (const curve of curves) {
    for (const point of curve.points) {
      all.set(pointName(curve, point), { samples: point.samples, isPoint: true });
    }
  }
  return all;
}

/** Ratios of medians with 95 % bootstrap intervals, for everything that both reports have. */
export function compareReports(before: BenchReport, now: BenchReport): Comparison {
  const earlier = comparables(before);
  const rows: ComparedRow[] = [];
  const added: string[] = [];
  for (const [name, { samples, isPoint }] of comparables(now)) {
    const old = earlier.get(name)?.samples;
    if (!old) {
      added.push(name);
      continue;
    }
    const { ratio, before: beforeMs, after: nowMs } = ratioOfMedians(samples, old);
    const bestRatio = Math.min(...samples) / Math.min(...old);
    const faster = ratio.high < 1 && bestRatio < 1 - SAME_BEST;
    const slower = ratio.low > 1 && bestRatio > 1 + SAME_BEST;
    const verdict = faster ? 'faster' : slower ? 'slower' : 'same';
    rows.push({ name, isPoint, beforeMs, nowMs, ratio, bestRatio, verdict });
  }
  const differences: [string, string | undefined, string | undefined][] = [
    ['adapter', before.adapter.name, now.adapter.name],
    ['clock', before.clock, now.clock],
    ['host', before.host.runtime, now.host.runtime],
    ['processor', before.host.processor, now.host.processor],
  ];
  return {
    warnings: differences
      .filter(([, a, b]) => a !== b)
      .map(([what, a = 'unknown', b = 'unknown']) => `the ${what} differs: ${a} before, ${b} now`),
    rows,
    added,
  };
}

/** The comparison as text in at most 100 columns. */
export function formatComparison({ warnings, rows, added }: Comparison, before: string): string {
  const columns: Column[] = [
    { head: 'median, ms' },
    { head: 'before', align: 'right' },
    { head: 'now', align: 'right' },
    { head: 'ratio', align: 'right' },
    { head: '95 % interval' },
    { head: 'of best', align: 'right' },
    { head: '' },
  ];
  const lines = rows.map(({ name, beforeMs, nowMs, ratio, bestRatio, verdict }) => [
    name,
    short(beforeMs),
    short(nowMs),
    `${ratio.value.toFixed(2)}×`,
    `${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)}`,
    `${bestRatio.toFixed(2)}×`,
    verdict === 'same' ? '' : verdict,
  ]);
  return [
    `compared with ${before}`,
    'intervals hold the spread within both runs and nothing else: where the peaks have moved, the',
    'machine has; a verdict is given where the fastest samples agree with the medians',
    ...warnings.map((warning) => `warning: ${warning}`),
    ...formatTable(columns, lines),
    ...(added.length > 0 ? [`${added.length} measured now were not in it`] : []),
  ].join('\n');
}
