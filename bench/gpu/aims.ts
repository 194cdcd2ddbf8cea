// What is aimed at on a GPU, and what was reached: shares of the peaks of the same run, by the fastest
// samples as in `latentgpu bench`, and times beside PyTorch's, by medians.
import { type Report, rowNamed, WORKS, type Work } from './rows.ts';
import type { TorchColumn } from './torch.ts';

export interface Aim {
  readonly what: string;
  readonly aim: string;
  /** What was measured; absent if something that it takes was not. */
  readonly measured?: string;
  /** Absent, too, where no GPU was measured: the aims are none of a software adapter's. */
  readonly reached?: boolean;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

const ofPeak = (what: string, aim: number, share: number | undefined): Aim => ({
  what,
  aim: `≥ ${100 * aim} %`,
  ...(share !== undefined && { measured: percent(share), reached: share >= aim }),
});

/** Bytes a second of a row's fastest sample. */
const bandwidth = (row: { work: { bytes: number }; ms: { min: number } } | undefined) =>
  row && (1000 * row.work.bytes) / row.ms.min;

const over = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? undefined : a / b;

/** The largest copy: what lies beyond every cache. */
function copyBandwidth({ bench }: Report): number {
  const largest = bench.peaks.copy.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  return largest.bytesPerSecond;
}

function bySide(report: Report, column: TorchColumn, aim: number, what: string): Aim {
  const { own, torch } = rowNamed(report, 'VAE step, batch 100');
  // PyTorch on the processor is no measure for a GPU.
  const onGpu = report.torch?.cuda ? torch : undefined;
  const ratio = over(onGpu?.columns[column]?.median, own?.ms.median);
  return {
    what,
    aim: `≥ ${aim}×`,
    ...(ratio !== undefined && { measured: `${ratio.toFixed(2)}×`, reached: ratio >= aim }),
  };
}

export function aimsOf(report: Report): Aim[] {
  const isJudged = !report.bench.adapter.isSoftware;
  return allAims(report).map(({ reached, ...aim }) => ({
    ...aim,
    ...(isJudged && reached !== undefined && { reached }),
  }));
}

function allAims(report: Report): Aim[] {
  const { peaks, rows } = report.bench;
  const cube = rowNamed(report, 'product NN 4096×4096×4096').own;
  const flops = cube && (1000 * cube.work.flops) / cube.ms.min;
  const copy = copyBandwidth(report);
  const write = bandwidth(rows.find(({ name }) => name.startsWith('write of ')));
  const large = WORKS.filter((work): work is Work & { curve: string } => work.isLarge === true);
  return [
    ofPeak('product 4096³, of multiply-adds', 0.6, over(flops, peaks.flops)),
    ...large.map((work) =>
      ofPeak(`${work.label}, of copies`, 0.85, over(bandwidth(rowNamed(report, work).own), copy)),
    ),
    ofPeak(
      'normal draws 33554432, of writes',
      0.85,
      over(bandwidth(rowNamed(report, 'normal draws 33554432').own), write),
    ),
    bySide(report, 'eager', 3, 'VAE step, batch 100, beside PyTorch eager'),
    bySide(report, 'graph', 1, 'VAE step, batch 100, beside PyTorch as a CUDA graph'),
  ];
}
