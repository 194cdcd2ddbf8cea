// Cost against size: medians with the band of the quartiles, beside the best that the peaks allow.
import type { Html } from '../../report/html.ts';
import { band, chart, dot, type LogAxis, line, type Size } from '../../report/log-plot.ts';
import { type BenchCurve, type CurvePoint, sizeText } from '../report.ts';
import { percent, short } from '../table.ts';

const AXES: Readonly<Record<string, string>> = { bytes: 'read and written' };

/** @param before the same curve of an earlier run */
export function curvePlot(curve: BenchCurve, before: BenchCurve | undefined, size: Size): Html {
  const { points, axis, rate } = curve;
  // Both runs in the unit of this one.
  const drawn = ({ work }: CurvePoint, ms: number): number =>
    rate === undefined ? ms : (rate === 'GB/s' ? work.bytes : work.flops) / ms / 1e6;
  const medians = (of: BenchCurve) =>
    of.points.map((point) => [point.size, drawn(point, point.ms.median)] as const);
  const quartiles = (of: BenchCurve) =>
    of.points.map((point) => {
      const [a, b] = point.ms.quartiles.map((ms) => drawn(point, ms)) as [number, number];
      return [point.size, Math.min(a, b), Math.max(a, b)] as const;
    });
  const limits = points.map(
    (point) => [point.size, drawn(point, point.share * point.ms.min)] as const,
  );
  const all = before ? [curve, before] : [curve];
  const sizes = all.flatMap((each) => each.points.map((point) => point.size));
  const values = [
    ...all.flatMap(quartiles).flatMap(([, low, high]) => [low, high]),
    ...limits.map(([, value]) => value),
  ];
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const x: LogAxis = {
    label: AXES[axis] ?? axis,
    // A curve of one point has a place all the same.
    low: least / 1.15,
    high: most * 1.15,
    ticks: [...new Set(sizes)].sort((a, b) => a - b),
    format: (value) => sizeText(axis, value),
  };
  const y: LogAxis = {
    label: rate ?? 'ms',
    low: Math.min(...values) / 1.3,
    high: Math.max(...values) * 1.3,
  };
  return chart(size, x, y, `${curve.name}: its numbers are in the table that follows`, (frame) => {
    return [
      line(frame, limits, 'floor'),
      ...(before
        ? [band(frame, quartiles(before), 'before'), line(frame, medians(before), 'before')]
        : []),
      band(frame, quartiles(curve), 'now'),
      line(frame, medians(curve), 'now'),
      ...points.map((point) =>
        dot(
          frame,
          [point.size, drawn(point, point.ms.median)],
          'now',
          `${sizeText(axis, point.size)}: ${short(point.ms.median)} ms, ${percent(point.share)} of ${point.limit}`,
          3,
        ),
      ),
    ];
  });
}
