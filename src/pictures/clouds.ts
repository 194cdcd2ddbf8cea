// What a model of plain vectors looks like: data, and what the model makes, as points in the plane.
import { Random } from '../random.ts';
import { STREAMS } from '../streams.ts';
import { FEATURES, mostVaried, principalComponents } from './components.ts';
import { atMeans, labelsOfWhole } from './missing.ts';
import type { Picture } from './png.ts';
import { scatter } from './scatter.ts';

/** Points of each kind. */
export const CLOUD = 1000;

/**
 * Draws data and as many points of a model in one plane: two features as they
 * are, the first two principal components of the data of more, and one feature along a line, the model
 * below the data.
 *
 * @param rows data, row major [count, width], as the model sees them, so that every feature counts alike
 * @param made the same, by the model
 * @param size side of the plot in pixels
 * @param mask of the data: what is missing lies at the mean of what is seen, and rows with holes are grey
 */
export function cloudPicture(
  rows: Float32Array,
  made: Float32Array,
  width: number,
  size?: number,
  mask?: ArrayLike<number>,
): Picture {
  const count = rows.length / width;
  const data = atMeans(rows, mask, width);
  const kinds = labelsOfWhole(count, mask, 0);
  const place = width === 1 ? onLines(data, made) : inPlaneOf(data, count, width);
  const points = new Float32Array(4 * count);
  const labels = new Uint32Array(2 * count);
  // By turns, so that neither kind hides the other.
  for (let i = 0; i < count; i++) {
    points.set(place(data.subarray(i * width, (i + 1) * width), 0), 4 * i);
    points.set(place(made.subarray(i * width, (i + 1) * width), 1), 4 * i + 2);
    labels[2 * i] = kinds[i] as number;
    labels[2 * i + 1] = 1;
  }
  return scatter(points, {
    count: 2 * count,
    labels,
    names: ['data', 'model'],
    ...(size !== undefined && { size }),
  });
}

type Place = (row: Float32Array, kind: 0 | 1) => [number, number];

function onLines(data: Float32Array, made: Float32Array): Place {
  const extreme = (pick: (a: number, b: number) => number) =>
    [data, made].map((values) => values.reduce(pick)).reduce(pick);
  const thickness = 0.3 * (extreme(Math.max) - extreme(Math.min) || 1);
  const random = new Random(0, STREAMS.spreadPoints, 0);
  return ([x], kind) => [x as number, thickness * (random.uniform() - (kind ? 1.2 : 0))];
}

function inPlaneOf(data: Float32Array, count: number, width: number): Place {
  if (width === 2) return ([x, y]) => [x as number, y as number];
  const chosen = mostVaried(data, width, FEATURES);
  const few = (row: Float32Array) => chosen.map((j) => row[j] as number);
  const kept = new Float32Array(count * chosen.length);
  for (let i = 0; i < count; i++) {
    kept.set(few(data.subarray(i * width, (i + 1) * width)), i * chosen.length);
  }
  const { axes, mean } = principalComponents(kept, count, chosen.length);
  return (row) => {
    const values = few(row);
    const along = (axis: 0 | 1) =>
      values.reduce(
        (sum, value, d) =>
          sum + (value - (mean[d] as number)) * (axes[axis * values.length + d] as number),
        0,
      );
    return [along(0), along(1)];
  };
}
