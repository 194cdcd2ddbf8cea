// Cost against size: medians with the band of the quartiles, over the least time that the peaks allow.
import type { Html } from '../../report/html.ts';
import { type BenchCurve, sizeText } from '../report.ts';
import { percent, short } from '../table.ts';
import { band, chart, dot, type LogAxis, line, type Size } from './plot.ts';

const AXES: Readonly<Record<string, string>> = { bytes: 'read and written' };

/** @param before the same curve of an earlier run */
export function curvePlot(curve: BenchCurve, before: BenchCurve | undefined, size: Size): Html {
  const { points, axis } = curve;
  const all = [...points, ...(before?.points ?? [])];
  const sizes = all.map((point) => point.size);
  const floors = points.map((point) => ({ size: point.size, ms: point.share * point.ms.min }));
  const times = [...all.flatMap(({ ms }) => ms.quartiles), ...floors.map(({ ms }) => ms)];
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
    label: 'ms',
    low: Math.min(...times) / 1.3,
    high: Math.max(...times) * 1.3,
  };
  return chart(size, x, y, `${curve.name}: its numbers are in the table that follows`, (frame) => {
    const medians = ({ points: these }: BenchCurve) =>
      these.map((point) => [point.size, point.ms.median] as const);
    const quartiles = ({ points: these }: BenchCurve) =>
      these.map((point) => [point.size, ...point.ms.quartiles] as const);
    return [
      line(
        frame,
        floors.map((floor) => [floor.size, floor.ms] as const),
        'floor',
      ),
      ...(before
        ? [band(frame, quartiles(before), 'before'), line(frame, medians(before), 'before')]
        : []),
      band(frame, quartiles(curve), 'now'),
      line(frame, medians(curve), 'now'),
      ...points.map((point) =>
        dot(
          frame,
          [point.size, point.ms.median],
          'now',
          `${sizeText(axis, point.size)}: ${short(point.ms.median)} ms, ${percent(point.share)} of ${point.limit}`,
          3,
        ),
      ),
    ];
  });
}
