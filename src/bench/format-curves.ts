// Cost against size, for people, in at most 100 columns.
import { ofPeak, perSecond, spread } from './figures.ts';
import { type BenchCurve, sizeText } from './report.ts';
import { type Column, formatTable, right, short, si } from './table.ts';

/** Blocks of a full bar. */
const BAR = 24;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A share as a bar; one above 1, of a peak that a cache makes possible, as a full one. */
function bar(share: number): string {
  const eighths = Math.round(8 * BAR * Math.min(1, share));
  return '█'.repeat(eighths >> 3) + EIGHTHS[eighths % 8];
}

function curveLines({ name, axis, makes, points }: BenchCurve): string[] {
  const columns: Column[] = [
    ...right(axis, 'ms', 'spread', 'best', 'GFLOP/s', 'GB/s'),
    ...(makes ? right(`${makes}/s`) : []),
    ...right('of peak'),
    { head: '' },
  ];
  const rows = points.map((point) => [
    sizeText(axis, point.size),
    short(point.ms.median),
    spread(point.ms),
    short(point.ms.min),
    perSecond(point.work.flops, point),
    perSecond(point.work.bytes, point),
    ...(makes ? [si((1000 * point.size) / point.ms.min)] : []),
    ofPeak(point),
    bar(point.share),
  ]);
  return [name, ...formatTable(columns, rows).map((line) => `  ${line}`)];
}

export function formatCurves(curves: readonly BenchCurve[]): string[] {
  return curves.flatMap((curve, i) => [...(i > 0 ? [''] : []), ...curveLines(curve)]);
}
