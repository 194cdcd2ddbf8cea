// Both sides of a run as one page of Markdown.
import { short } from '../../src/bench/table.ts';
import { type Aim, aimsOf } from './aims.ts';
import { type Report, rowNamed, WORKS, type Work } from './rows.ts';
import type { TorchColumn, TorchReport } from './torch.ts';

const NONE = '–';

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)];
}

function sides({ bench, torch }: Report): string[] {
  const { adapter, host, clock, date, rounds } = bench;
  const versions = Object.entries(host.versions ?? {}).map(([name, v]) => `${name} ${v}`);
  const own = [adapter.name, host.runtime, ...versions].join(', ');
  return [
    `- latentgpu: ${own}; ${date.slice(0, 10)}; median of ${rounds} interleaved rounds; kernels by the ` +
      `${clock === 'gpu' ? "GPU's" : "host's"} clock, steps by the host's`,
    torch ? torchLine(torch) : '- PyTorch: not measured.',
    ...(adapter.isSoftware ? ["- The adapter is software: nothing here is a GPU's speed."] : []),
    ...(torch && torch.cuda === null
      ? ["- PyTorch found no CUDA device and ran on the processor: its times are no GPU's."]
      : []),
  ];
}

function torchLine({ torch, device, cuda, driver, threads, clocks, date, rounds }: TorchReport) {
  const where = cuda
    ? [device, `CUDA ${cuda}`, ...(driver ? [`driver ${driver}`] : [])]
    : [device, `${threads} threads`];
  return (
    `- PyTorch ${torch}: ${where.join(', ')}; ${date.slice(0, 10)}; float32, TF32 off; median of ` +
    `${rounds} interleaved rounds; kernels by ${clocks.kernel === 'host' ? "the host's clock" : clocks.kernel}, ` +
    "steps by the host's clock"
  );
}

function rateText(work: Work, own: ReturnType<typeof rowNamed>['own']): string {
  if (!own || !work.rate) return NONE;
  const perSecond = (1000 * own.work[work.rate]) / own.ms.min;
  return `${short(perSecond / 1e9)} ${work.rate === 'flops' ? 'GFLOP/s' : 'GB/s'}`;
}

const ofPeak = (own: ReturnType<typeof rowNamed>['own']) =>
  own ? `${(100 * own.share).toFixed(0)} % ${own.limit}` : NONE;

function workLine(report: Report, work: Work, columns: readonly TorchColumn[]): string[] {
  const { own, torch } = rowNamed(report, work);
  const times = columns.map((column) => torch?.columns[column]?.median);
  const ratio = (time: number | undefined) =>
    own && time !== undefined ? `${(time / own.ms.median).toFixed(2)}×` : NONE;
  return [
    work.label,
    own ? short(own.ms.median) : NONE,
    rateText(work, own),
    ofPeak(own),
    ...times.map((time) => (time === undefined ? NONE : short(time))),
    ...times.map(ratio),
  ];
}

const aimLine = ({ what, aim, measured, reached }: Aim): string[] => [
  what,
  measured ?? NONE,
  aim,
  reached === undefined ? NONE : reached ? 'yes' : 'no',
];

/** The whole page. What was not measured is a dash. */
export function gpuPage(report: Report): string {
  const { peaks } = report.bench;
  const copies = peaks.copy.map(
    ({ bytes, bytesPerSecond }) => `${short(bytesPerSecond / 1e9)} (${short(bytes / 2 ** 21)} MiB)`,
  );
  const more = report.torch?.columns.includes('compile') ? (['compile'] as const) : [];
  const columns: TorchColumn[] = ['eager', 'graph', ...more];
  const head = [
    '',
    'latentgpu, ms',
    'rate',
    'of peak',
    ...columns.map((column) => `PyTorch ${column}, ms`),
    ...columns.map((column) => `${column} ÷ latentgpu`),
  ];
  return [
    `# ${report.bench.adapter.name}`,
    '',
    ...sides(report),
    '',
    `Peaks of this adapter: ${short(peaks.flops / 1e9)} GFLOP/s of fused multiply-adds; copies of ` +
      `${copies.join(', ')} at so many GB/s, read and written together.`,
    '',
    ...table(
      head,
      WORKS.map((work) => workLine(report, work, columns)),
    ),
    '',
    'Rates and shares are those of the fastest samples, ratios those of medians. A dash: not measured.',
    '',
    ...table(['aim', 'measured', 'aimed at', 'reached'], aimsOf(report).map(aimLine)),
    '',
  ].join('\n');
}

/** A name for the page and its data: `gpu-nvidia-h200`, or `software-…` for what is no GPU's. */
export function pageName({ bench }: Report): string {
  const { name, isSoftware } = bench.adapter;
  const plain = name
    .toLowerCase()
    .replace(/\(.*\)|driver.*/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `${isSoftware ? 'software' : 'gpu'}-${plain}`;
}
