// A report for people.
import { ofPeak, perSecond, spread } from './figures.ts';
import { formatCurves } from './format-curves.ts';
import { costsBeside } from './objective-steps.ts';
import { peakFigures } from './peaks/rates.ts';
import type { BenchReport, BenchRow } from './report.ts';
import type { Interval } from './statistics.ts';
import { worthOfSubmissions } from './submissions.ts';
import { binary, type Column, formatTable, right, short, si } from './table.ts';

const cpu = ({ cpuMs }: BenchRow): string => (cpuMs === null ? '–' : short(cpuMs));

function peakLines({ peaks }: BenchReport): string[] {
  const { copy, dispatch } = peaks;
  const sizes = copy.map(
    ({ bytes, bytesPerSecond }) => `${short(bytesPerSecond / 1e9)} (${binary(bytes / 2)})`,
  );
  return [
    `  multiply-adds  ${short(peaks.flops / 1e9)} GFLOP/s`,
    `  copies         ${sizes.join(', ')} GB/s`,
    `  random draws   ${si(peaks.normals)} normals/s, ${si(peaks.uniforms)} uniforms/s`,
    `  a dispatch     ${short(dispatch.inPassMs)} ms in a pass, ${short(dispatch.submittedMs)} submitted, ` +
      `${short(dispatch.waitedMs)} waited for, ${short(dispatch.readMs)} read`,
  ];
}

function peakTable(report: BenchReport): string[] {
  const columns: Column[] = [{ head: 'peak' }, ...right('best'), { head: '' }, { head: '95 %' }];
  const cells = peakFigures(report).map(({ name, best, unit, certainty }) => [
    name,
    best,
    unit,
    certainty,
  ]);
  return cells.length > 0 ? formatTable(columns, cells) : [];
}

function kernelLines(rows: readonly BenchRow[]): string[] {
  const columns = [
    { head: 'kernel' },
    ...right('ms', 'spread', 'cpu ms', 'best', 'GFLOP/s', 'GB/s', 'of peak', 'calls'),
  ];
  const cells = rows.map((row) => [
    row.name,
    short(row.ms.median),
    spread(row.ms),
    cpu(row),
    short(row.ms.min),
    perSecond(row.work.flops, row),
    perSecond(row.work.bytes, row),
    ofPeak(row),
    String(row.work.dispatches),
  ]);
  return formatTable(columns, cells);
}

function stepLines(rows: readonly BenchRow[]): string[] {
  const times: Column[] = [
    { head: 'step' },
    ...right('ms', 'spread', 'cpu ms', 'best', 'of peak', 'calls', 'submits', 'buffers', 'writes'),
  ];
  const cells = rows.map((row) => [
    row.name,
    short(row.ms.median),
    spread(row.ms),
    cpu(row),
    short(row.ms.min),
    ofPeak(row),
    count(row.counts?.dispatches),
    count(row.counts?.submissions),
    count(row.counts?.buffersCreated),
    count(row.counts?.hostWrites),
  ]);
  const memory: Column[] = [
    { head: 'memory' },
    ...right('intermediates', 'at least', 'variables', 'all'),
  ];
  const optional = (bytes: number | undefined) => (bytes === undefined ? '–' : binary(bytes));
  const held = rows.map(({ name, memory: m }) => [
    name,
    optional(m?.intermediates),
    optional(m?.bound),
    optional(m?.variables),
    optional(m?.total),
  ]);
  return [...formatTable(times, cells), '', ...formatTable(memory, held)];
}

/** A count, or its mean over several steps. */
function count(value = 0): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}

/** The whole report. */
export function formatReport(report: BenchReport): string {
  const { adapter, host, clock, coldStart: cold, rows } = report;
  const of = (group: BenchRow['group']) => rows.filter((row) => row.group === group);
  const machine = [
    host.runtime,
    ...Object.entries(host.versions ?? {}).map(([name, version]) => `${name} ${version}`),
    ...(host.processor ? [host.processor] : []),
    ...(host.cores ? [`${host.cores} cores`] : []),
    ...(host.load === undefined ? [] : [`load ${host.load.toFixed(1)}`]),
  ];
  const lines = [
    `latentgpu ${report.version}, ${report.date.slice(0, 10)}: ${adapter.name}, ` +
      (adapter.isSoftware ? 'software' : 'hardware'),
    machine.join(', '),
    `ms: median of ${report.rounds} interleaved rounds ± half the quartiles' distance; cpu ms: all cores;`,
    'best: the fastest sample, and rates by it; of peak: the least time that the peaks allow, by it;',
    `calls: dispatches; kernels by the ${clock === 'gpu' ? "GPU's" : "host's"} clock, steps by the host's`,
    '',
    'peaks: the best of the same rounds; copies count what is read and what is written',
    ...peakLines(report),
    '',
    ...peakTable(report),
  ];
  const kernels = of('kernel');
  if (kernels.length > 0) lines.push('', ...kernelLines(kernels));
  const steps = of('step');
  if (steps.length > 0) lines.push('', ...stepLines(steps));
  const worth = worthOfSubmissions(report);
  lines.push(
    ...ratioLines(
      ['many steps a submission', 'against', 'as fast'],
      worth.map(({ step, than, ...ratios }) => ({ what: step, against: than, ...ratios })),
    ),
    ...ratioLines(
      ['step', 'beside', 'takes'],
      costsBeside(report).map(({ step, beside, ...ratios }) => ({
        ...{ what: step, against: beside },
        ...ratios,
      })),
    ),
  );
  if (cold) {
    lines.push(
      '',
      `cold start, from opening the device to the end of the first VAE step: ${short(cold.firstMs)} ms in a`,
      `fresh process, median ${short(cold.ms.median)} ms of ${cold.ms.count} fresh devices`,
    );
  }
  if (report.curves) lines.push('', ...formatCurves(report.curves));
  return lines.join('\n');
}

interface Ratios {
  readonly what: string;
  readonly against: string;
  readonly ratio: Interval;
  readonly bestRatio: number;
  readonly cpuRatio?: number;
}

/** A blank line and a table; nothing where there is nothing to compare. */
function ratioLines(
  [what, against, ratio]: readonly [string, string, string],
  all: readonly Ratios[],
): string[] {
  if (all.length === 0) return [];
  const hasCpu = all.some(({ cpuRatio }) => cpuRatio !== undefined);
  const columns: Column[] = [
    { head: what },
    { head: against },
    ...right(ratio),
    { head: '95 % interval' },
    ...right('of best'),
    ...(hasCpu ? right('of cpu ms') : []),
  ];
  const rows = all.map(({ ratio: { value, low, high }, bestRatio, cpuRatio, ...names }) => [
    names.what,
    names.against,
    `${value.toFixed(2)}×`,
    `${low.toFixed(2)} – ${high.toFixed(2)}`,
    `${bestRatio.toFixed(2)}×`,
    ...(hasCpu ? [cpuRatio === undefined ? '–' : `${cpuRatio.toFixed(2)}×`] : []),
  ]);
  return ['', ...formatTable(columns, rows)];
}
