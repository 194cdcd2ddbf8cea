// The roofline: arithmetic per byte against arithmetic per second, under the roofs that were measured.
import { type Html, html } from '../../report/html.ts';
import { chart, dot, type LogAxis, line, type Size } from '../../report/log-plot.ts';
import type { BenchReport, BenchRow } from '../report.ts';
import { binary, percent, short } from '../table.ts';
import { labels } from './labels.ts';

/** Kernels and steps, in the order of the report: the numbers by which a narrow chart calls them. */
export function numbered({ rows }: BenchReport): { row: BenchRow; number: number }[] {
  return rows.filter(({ group }) => group !== 'peak').map((row, i) => ({ row, number: i + 1 }));
}

interface Roof {
  readonly name: string;
  readonly bytesPerSecond: number;
}

/** Roofs nearer to each other than this are one line. */
const SAME_ROOF = 1.15;

/** The fastest copy, and the one outside all caches, where that is slower. */
function roofsOf({ peaks }: BenchReport): Roof[] {
  const fastest = peaks.copy.reduce((a, b) => (b.bytesPerSecond > a.bytesPerSecond ? b : a));
  const largest = peaks.copy.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const isSame = fastest.bytesPerSecond < SAME_ROOF * largest.bytesPerSecond;
  const kinds = isSame ? [fastest] : [fastest, largest];
  return kinds.map(({ bytes, bytesPerSecond }) => ({
    name: `${short(bytesPerSecond / 1e9)} GB/s, copy of ${binary(bytes / 2)}`,
    bytesPerSecond,
  }));
}

/** Names fit beside the points of a chart of this width; a narrower one has numbers. */
const NAMED_FROM = 640;

export function rooflinePlot(report: BenchReport, size: Size): Html {
  const points = numbered(report)
    .filter(({ row: { work } }) => work.flops > 0 && work.bytes > 0)
    .map(({ row, number }) => ({
      row,
      number,
      intensity: row.work.flops / row.work.bytes,
      rate: row.work.flops / row.ms.min / 1e6,
    }));
  const peak = report.peaks.flops / 1e9;
  const roofs = roofsOf(report);
  const ridge = Math.max(...roofs.map(({ bytesPerSecond }) => report.peaks.flops / bytesPerSecond));
  const intensities = points.map(({ intensity }) => intensity);
  const rates = points.map(({ rate }) => rate);
  const x: LogAxis = {
    label: 'operations a byte',
    low: Math.min(0.1, ...intensities) / 1.5,
    high: Math.max(4 * ridge, ...intensities) * 1.5,
  };
  const y: LogAxis = {
    label: 'GFLOP/s',
    low: Math.min(peak / 100, ...rates) / 1.8,
    high: peak * 1.9,
  };
  return chart(size, x, y, 'Roofline: its numbers are in the table that follows', (frame) => {
    const isNamed = size.width >= NAMED_FROM;
    const lines = roofs.map(({ bytesPerSecond }) => {
      const slope = bytesPerSecond / 1e9;
      const from = Math.max(x.low, y.low / slope);
      return line(
        frame,
        [
          [from, from * slope],
          [peak / slope, peak],
          [x.high, peak],
        ],
        'roof',
      );
    });
    const roofNames = roofs.map(({ name, bytesPerSecond }, i) => {
      const slope = bytesPerSecond / 1e9;
      const from = Math.max(x.low, y.low / slope);
      const [x1, y1] = [frame.x(from), frame.y(from * slope)];
      const [x2, y2] = [frame.x(peak / slope), frame.y(peak)];
      const angle = (180 * Math.atan2(y2 - y1, x2 - x1)) / Math.PI;
      // Above the upper roof, below the lower one, where there are few points.
      const [along, away] = i === 0 ? [0.5, -5] : [0.8, 13];
      return html`<text class="roof-name" transform="translate(${(x1 + along * (x2 - x1)).toFixed(1)} ${(y1 + along * (y2 - y1)).toFixed(1)}) rotate(${angle.toFixed(1)})" y="${away}" text-anchor="middle">${name}</text>`;
    });
    const flat = html`<text class="roof-name" x="${frame.right - 4}" y="${(frame.y(peak) - 6).toFixed(1)}" text-anchor="end">${short(peak)} GFLOP/s, fused multiply-adds</text>`;
    const fastest = (roofs[0] as Roof).bytesPerSecond / 1e9;
    const across = (at: number) => (at - frame.left) / (frame.right - frame.left);
    const dots = points.map(({ row, intensity, rate }) =>
      dot(
        frame,
        [intensity, rate],
        row.group,
        `${row.name}: ${short(rate)} GFLOP/s, ${percent(row.share)} of ${row.limit}`,
      ),
    );
    const names = labels(
      frame,
      points.map(({ row, number, intensity, rate }) => ({
        text: isNamed ? row.name : String(number),
        x: frame.x(intensity),
        y: frame.y(rate),
      })),
      (at) => frame.y(Math.min(peak, fastest * x.low * (x.high / x.low) ** across(at))),
    );
    return [...lines, ...roofNames, flat, ...dots, ...names];
  });
}
