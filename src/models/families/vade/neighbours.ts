// Which rows lie next to each other.
import { Pauses } from '../../../pauses.ts';
import { RunningMoments } from '../../running-moments.ts';

/** The nearest rows of each, itself excepted, from the first on. */
export interface Neighbours {
  /** [N, K]. */
  readonly nearest: Uint32Array;
  /** Squared distances, [N, K]. */
  readonly distances: Float64Array;
  /** N and K. */
  readonly size: number;
  readonly count: number;
}

/** Numbers of two rows that are compared before their distance is looked at. */
const STRETCH = 64;

/** Copies of a row that count as that row, [copies, D], itself the first. */
export interface Copies {
  readonly count: number;
  of(rows: Float32Array, at: number): Float32Array;
}

/**
 * The K nearest of each row by squared distance in float64, all pairs compared; of equals the first.
 *
 * @param rows [N, D]
 * @param copies where a row is as near as the nearest of its copies: default, itself
 */
export async function nearestRows(
  rows: Float32Array,
  features: number,
  most: number,
  copies?: Copies,
): Promise<Neighbours> {
  const size = rows.length / features;
  const count = Math.min(most, size - 1);
  const nearest = new Uint32Array(size * count);
  const distances = new Float64Array(size * count).fill(Number.POSITIVE_INFINITY);
  const last = (row: number) => distances[row * count + count - 1] as number;
  const insert = (row: number, other: number, distance: number) => {
    const first = row * count;
    let at = first + count - 1;
    if (distance >= (distances[at] as number)) return;
    for (; at > first && distance < (distances[at - 1] as number); at--) {
      distances[at] = distances[at - 1] as number;
      nearest[at] = nearest[at - 1] as number;
    }
    distances[at] = distance;
    nearest[at] = other;
  };
  const order = byVariance(rows, features);
  const inOrder = (values: Float32Array) =>
    values.map(
      (_, at) => values[at - (at % features) + (order[at % features] as number)] as number,
    );
  const others = inOrder(rows);
  const pauses = new Pauses();
  for (let i = 0; i < size; i++) {
    await pauses.whenDue();
    const own = copies
      ? inOrder(copies.of(rows, i * features))
      : others.subarray(i * features, (i + 1) * features);
    for (let j = i + 1; j < size; j++) {
      // Beyond the last of both rows' nearest, how far does not matter.
      let least = Math.max(last(i), last(j));
      for (let copy = 0; copy < own.length; copy += features) {
        let distance = 0;
        for (let start = 0; start < features && distance < least; start += STRETCH) {
          const length = Math.min(STRETCH, features - start);
          distance += squaredDistance(own, copy + start, others, j * features + start, length);
        }
        least = Math.min(least, distance);
      }
      insert(i, j, least);
      insert(j, i, least);
    }
  }
  return { nearest, distances, size, count };
}

/** Features, those first that vary most: what is far away is soon seen to be. */
function byVariance(rows: Float32Array, features: number): Uint32Array {
  const moments = new RunningMoments(features);
  for (let at = 0; at < rows.length; at += features)
    moments.add(rows.subarray(at, at + features), 0);
  const { squares } = moments;
  return Uint32Array.from(squares.keys()).sort(
    (a, b) => (squares[b] as number) - (squares[a] as number) || a - b,
  );
}

/** Σ (a - b)² of so many numbers from two places on, in four sums that do not wait for each other. */
function squaredDistance(
  own: Float32Array,
  a: number,
  rows: Float32Array,
  b: number,
  length: number,
): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let d = 0;
  for (; d + 3 < length; d += 4) {
    const x0 = (own[a + d] as number) - (rows[b + d] as number);
    const x1 = (own[a + d + 1] as number) - (rows[b + d + 1] as number);
    const x2 = (own[a + d + 2] as number) - (rows[b + d + 2] as number);
    const x3 = (own[a + d + 3] as number) - (rows[b + d + 3] as number);
    s0 += x0 * x0;
    s1 += x1 * x1;
    s2 += x2 * x2;
    s3 += x3 * x3;
  }
  for (; d < length; d++) s0 += ((own[a + d] as number) - (rows[b + d] as number)) ** 2;
  return s0 + s1 + (s2 + s3);
}
