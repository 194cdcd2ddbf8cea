// The work that both sides measure, and where each of them keeps it.
import type { BenchReport, BenchRow, CurvePoint } from '../../src/bench/index.ts';
import type { TorchReport, TorchRow } from './torch.ts';

/** Both sides of a run; PyTorch's may be missing, and so may anything in either. */
export interface Report {
  readonly bench: BenchReport;
  readonly torch?: TorchReport | undefined;
}

export interface Work {
  readonly label: string;
  readonly name?: string;
  /** A point of a curve, where it is no row of its own. */
  readonly curve?: string;
  readonly size?: number;
  /** Beyond every cache: what bandwidth is judged by. */
  readonly isLarge?: boolean;
  /** What its rate counts. */
  readonly rate?: 'flops' | 'bytes';
}

const row = (name: string, rate?: Work['rate']): Work => ({
  label: name,
  name,
  ...(rate && { rate }),
});

const MEBIBYTE = 2 ** 20;

const large = (label: string, curve: string, size: number): Work => ({
  label: `${label}, ${size / MEBIBYTE} MiB`,
  curve,
  size,
  isLarge: true,
  rate: 'bytes',
});

export const WORKS: readonly Work[] = [
  row('product NN 512×512×512', 'flops'),
  row('product NN 512×784×512', 'flops'),
  row('product NN 4096×4096×4096', 'flops'),
  row('elementwise 1024×1024', 'bytes'),
  large('elementwise', 'elementwise against bytes', 384 * MEBIBYTE),
  row('sum of rows 4096×512', 'bytes'),
  row('sum of columns 4096×512', 'bytes'),
  row('log-sum-exp of rows 4096×512', 'bytes'),
  large('sum of rows', 'sum of rows against bytes', 128 * MEBIBYTE),
  large('log-sum-exp of rows', 'log-sum-exp of rows against bytes', 128 * MEBIBYTE),
  row('normal, log-sum-exp 4096×50×20', 'bytes'),
  row('normal draws 1048576', 'bytes'),
  row('normal draws 33554432', 'bytes'),
  row('VAE step, batch 100'),
  row('IWAE step K=5, batch 20'),
  row('IWAE step K=50, batch 20'),
  row('sample 1 image'),
  row('sample 64 images'),
  row('sample 1024 images'),
  {
    label: 'sample 4096 images',
    name: 'sample 4096 images',
    curve: 'sampling against count',
    size: 4096,
  },
  row('RealNVP log p, batch 256'),
  row('RealNVP inverse, batch 256'),
  row('RealNVP step, batch 256'),
];

/** What each side measured of a piece of work. */
export function rowNamed(
  { bench, torch }: Report,
  work: Work | string,
): { own: BenchRow | CurvePoint | undefined; torch: TorchRow | undefined } {
  const { name, curve, size } = typeof work === 'string' ? row(work) : work;
  const point = bench.curves
    ?.find((each) => each.name === curve)
    ?.points.find((each) => each.size === size);
  const isSame = (each: TorchRow) =>
    name === undefined ? each.curve === curve && each.size === size : each.name === name;
  return {
    own: bench.rows.find((each) => each.name === name) ?? point,
    torch: torch?.rows.find(isSame),
  };
}
