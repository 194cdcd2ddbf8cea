// A report for people, in at most 100 columns.
import type { BenchReport, BenchRow } from './report.ts';
import type { Summary } from './statistics.ts';
import { type Column, formatTable, short, si } from './table.ts';

const right = (...heads: string[]): Column[] => heads.map((head) => ({ head, align: 'right' }));

/** Half the distance of the quartiles, as a share of the median. */
function spread({ median, quartiles: [low, high] }: Summary): string {
  const half = (50 * (high - low)) / median;
  return `±${half < 10 ? half.toFixed(1) : half.toFixed(0)} %`;
}

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

const perSecond = (amount: number, { ms }: BenchRow): string =>
  amount > 0 ? short(amount / ms.median / 1e6) : '–';

const cpu = ({ cpuMs }: BenchRow): string => (cpuMs === null ? '–' : short(cpuMs));

function peakLines({ peaks, rows }: BenchReport): string[] {
  const { dispatch } = peaks;
  const sizes = peaks.copy.map(
    ({ bytes, bytesPerSecond }) => `${short(bytesPerSecond / 1e9)} (2 × ${mebibytes(bytes / 2)})`,
  );
  const of = (part: string) =>
    spread((rows.find(({ name }) => name.includes(part)) as BenchRow).ms);
  return [
    `  fused multiply-adds  ${short(peaks.flops / 1e9)} GFLOP/s (${of('multiply')})`,
    `  copy                 ${sizes.join(', ')} GB/s`,
    `  normal draws         ${si(peaks.normals)}/s (${of('normal draws in')})`,
    `  a dispatch           ${short(dispatch.inPassMs)} ms in a pass, ${short(dispatch.submittedMs)} with a submission, ` +
      `${short(dispatch.waitedMs)} waited for, ${short(dispatch.readMs)} read`,
  ];
}

function mebibytes(bytes: number): string {
  return `${short(bytes / 2 ** 20)} MiB`;
}

function kernelLines(rows: readonly BenchRow[]): string[] {
  const columns = [
    { head: 'kernel' },
    ...right('ms', 'spread', 'cpu ms', 'GFLOP/s', 'GB/s', 'of peak', '', 'calls'),
  ];
  const cells = rows.map((row) => [
    row.name,
    short(row.ms.median),
    spread(row.ms),
    cpu(row),
    perSecond(row.work.flops, row),
    perSecond(row.work.bytes, row),
    percent(row.share),
    row.limit,
    String(row.work.dispatches),
  ]);
  return formatTable(columns, cells, 100);
}

function stepLines(rows: readonly BenchRow[]): string[] {
  const times: Column[] = [
    { head: 'step' },
    ...right('ms', 'spread', 'cpu ms', 'of peak', '', 'calls', 'submits', 'buffers', 'writes'),
  ];
  const cells = rows.map((row) => [
    row.name,
    short(row.ms.median),
    spread(row.ms),
    cpu(row),
    percent(row.share),
    row.limit,
    short(row.counts?.dispatches ?? 0),
    short(row.counts?.submissions ?? 0),
    short(row.counts?.buffersCreated ?? 0),
    short(row.counts?.hostWrites ?? 0),
  ]);
  const memory: Column[] = [
    { head: 'memory' },
    ...right('intermediates', 'at least', 'variables', 'all'),
  ];
  const optional = (bytes: number | undefined) => (bytes === undefined ? '–' : mebibytes(bytes));
  const held = rows.map(({ name, memory: m }) => [
    name,
    optional(m?.intermediates),
    optional(m?.bound),
    optional(m?.variables),
    optional(m?.total),
  ]);
  return [...formatTable(times, cells, 100), '', ...formatTable(memory, held, 100)];
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
  ];
  const lines = [
    `latentgpu ${report.version}, ${report.date.slice(0, 10)}: ${adapter.name}, ` +
      (adapter.isSoftware ? 'software' : 'hardware'),
    machine.join(', '),
    `medians of ${report.rounds} interleaved rounds ± half the quartiles' distance; ` +
      `kernels by the ${clock === 'gpu' ? "GPU's" : "host's"} clock,`,
    "steps by the host's; cpu ms: processor time, all cores together",
    '',
    'peaks, measured in the same rounds',
    ...peakLines(report),
  ];
  const kernels = of('kernel');
  if (kernels.length > 0) lines.push('', ...kernelLines(kernels));
  const steps = of('step');
  if (steps.length > 0) lines.push('', ...stepLines(steps));
  if (cold) {
    lines.push(
      '',
      `cold start, from opening the device to the end of the first VAE step: ${short(cold.firstMs)} ms in a`,
      `fresh process, median ${short(cold.ms.median)} ms of ${cold.ms.count} fresh devices`,
    );
  }
  return lines.join('\n');
}
