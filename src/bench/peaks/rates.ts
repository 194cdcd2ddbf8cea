// Peaks as people read them: so much a second, or so long each, and how sure that is.
import type { BenchReport, BenchRow } from '../report.ts';
import type { PeakKind } from '../roofline.ts';
import { halfWidth, isSettled, medianInterval } from '../statistics.ts';
import { short } from '../table.ts';
import { loadsOf } from './memory.ts';

type Rate = readonly [amount: (row: BenchRow) => number, unit: string];

const perSecond = (row: BenchRow, amount: number, unit: number) => amount / row.ms.min / unit;
const operations: Rate = [(row) => perSecond(row, row.work.flops, 1e6), 'GFLOP/s'];
const bytes: Rate = [(row) => perSecond(row, row.work.bytes, 1e6), 'GB/s'];
const milliseconds: Rate = [(row) => row.ms.min, 'ms'];

/** By the fastest sample. */
const rates: Record<PeakKind, Rate> = {
  fma: operations,
  'fma f32': operations,
  'fma f16': operations,
  dot: [operations[0], 'Gop/s'],
  copy: bytes,
  write: bytes,
  read: bytes,
  latency: [(row) => (1e6 * row.ms.min) / loadsOf(row.work.bytes), 'ns a load'],
  normals: [(row) => perSecond(row, row.work.normals, 1e3), 'M/s'],
  uniforms: [(row) => perSecond(row, row.work.uniforms, 1e3), 'M/s'],
  launch: milliseconds,
  submission: milliseconds,
  'round trip': milliseconds,
  'read back': milliseconds,
};

export interface PeakFigure {
  readonly name: string;
  /** Of the fastest sample; a dash where there is none. */
  readonly best: string;
  readonly unit: string;
  /** Half the 95 % interval of the median; `noisy` where that is above 3 %; or what is missing. */
  readonly certainty: string;
}

/** Every peak of a report, and those that could not be measured. */
export function peakFigures({ rows, absent = [] }: BenchReport): PeakFigure[] {
  const measured = rows.flatMap((row): PeakFigure[] => {
    const rate = row.peak && rates[row.peak];
    if (!rate) return [];
    const [amount, unit] = rate;
    const half = 100 * halfWidth(medianInterval(row.samples));
    const certainty = `±${half < 10 ? half.toFixed(1) : half.toFixed(0)} %`;
    const isNoisy = !isSettled(row.samples);
    return [
      {
        name: row.name,
        best: short(amount(row)),
        unit,
        certainty: isNoisy ? `${certainty}, noisy` : certainty,
      },
    ];
  });
  const missing = absent.map(({ name, needs }) => {
    return { name, best: '–', unit: '', certainty: `needs ${needs}, which is not offered` };
  });
  return [...measured, ...missing];
}
