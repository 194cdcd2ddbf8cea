// One run of the benchmark against another.
import type { BenchReport, BenchRow } from './report.ts';
import { type Interval, ratioOfMedians } from './statistics.ts';
import { type Column, formatTable, short } from './table.ts';

export interface ComparedRow {
  readonly name: string;
  readonly group: BenchRow['group'];
  readonly beforeMs: number;
  readonly afterMs: number;
  /** after / before; below 1 is faster. */
  readonly ratio: Interval;
  /** Whether 1 lies outside the interval. */
  readonly verdict: 'faster' | 'slower' | 'same';
}

export interface Comparison {
  /** Why the runs may not be comparable: other adapters, clocks, versions of the host. */
  readonly warnings: readonly string[];
  readonly rows: readonly ComparedRow[];
  /** In one report and not in the other. */
  readonly unmatched: readonly string[];
}

/** Ratios of medians with 95 % bootstrap intervals, for every row that both reports have. */
export function compareReports(before: BenchReport, after: BenchReport): Comparison {
  const rows = after.rows.flatMap((now): ComparedRow[] => {
    const then = before.rows.find(({ name, group }) => name === now.name && group === now.group);
    if (!then) return [];
    const ratio = ratioOfMedians(now.samples, then.samples);
    const verdict = ratio.high < 1 ? 'faster' : ratio.low > 1 ? 'slower' : 'same';
    const { name, group, ms } = now;
    return [{ name, group, beforeMs: then.ms.median, afterMs: ms.median, ratio, verdict }];
  });
  const matched = new Set(rows.map(({ name }) => name));
  const unmatched = [...before.rows, ...after.rows]
    .map(({ name }) => name)
    .filter((name) => !matched.has(name));
  const differences: [string, string, string][] = [
    ['adapter', before.adapter.name, after.adapter.name],
    ['clock', before.clock, after.clock],
    ['host', before.host.runtime, after.host.runtime],
    ['processor', before.host.processor ?? '', after.host.processor ?? ''],
  ];
  return {
    warnings: differences
      .filter(([, a, b]) => a !== b)
      .map(
        ([what, a, b]) => `the ${what} differs: ${a || 'unknown'} before, ${b || 'unknown'} now`,
      ),
    rows,
    unmatched: [...new Set(unmatched)],
  };
}

/** The comparison as text in at most 100 columns. */
export function formatComparison(
  { warnings, rows, unmatched }: Comparison,
  before: string,
): string {
  const columns: Column[] = [
    { head: 'now ÷ before' },
    { head: 'before', align: 'right' },
    { head: 'now', align: 'right' },
    { head: 'ratio', align: 'right' },
    { head: '95 % interval' },
    { head: '' },
  ];
  const lines = rows.map(({ name, beforeMs, afterMs, ratio, verdict }) => [
    name,
    short(beforeMs),
    short(afterMs),
    `${ratio.value.toFixed(3)}×`,
    `${ratio.low.toFixed(3)} – ${ratio.high.toFixed(3)}`,
    verdict === 'same' ? '' : verdict,
  ]);
  return [
    `compared with ${before}, in ms; intervals hold the spread within the runs only, so read the`,
    'peaks first: where they have moved, the machine has',
    ...warnings.map((warning) => `warning: ${warning}`),
    ...formatTable(columns, lines, 100),
    ...(unmatched.length > 0 ? [`in one of the two only: ${unmatched.join('; ')}`] : []),
  ].join('\n');
}
