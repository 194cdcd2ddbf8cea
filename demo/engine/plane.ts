// The plane through latent space that the map shows.
import { FEATURES, mostVaried, principalComponents } from '../../src/pictures/components.ts';
import type { PlaneChoice } from '../protocol.ts';

export class Plane {
  /** The code at the map's centre. */
  readonly origin: Float64Array;
  /** Unit vectors to the right and up; the second is zero where a code has one dimension. */
  readonly axes: readonly [Float64Array, Float64Array];

  constructor(origin: Float64Array, axes: readonly [Float64Array, Float64Array]) {
    this.origin = origin;
    this.axes = axes;
  }

  /** Coordinates [count, 2] of codes [count, M]. */
  project(codes: Float32Array): Float32Array {
    const dims = this.origin.length;
    const count = codes.length / dims;
    const points = new Float32Array(2 * count);
    for (let i = 0; i < count; i++) {
      for (const k of [0, 1] as const) {
        const axis = this.axes[k];
        let sum = 0;
        for (let d = 0; d < dims; d++) {
          sum +=
            ((codes[i * dims + d] as number) - (this.origin[d] as number)) * (axis[d] as number);
        }
        points[2 * i + k] = sum;
      }
    }
    return points;
  }

  /** Codes [count, M] at coordinates [count, 2]. */
  lift(points: ArrayLike<number>): Float32Array {
    const dims = this.origin.length;
    const codes = new Float32Array((points.length / 2) * dims);
    for (let i = 0; i < codes.length; i++) {
      const d = i % dims;
      const row = (i - d) / dims;
      const [right, up] = this.axes;
      codes[i] =
        (this.origin[d] as number) +
        (points[2 * row] as number) * (right[d] as number) +
        (points[2 * row + 1] as number) * (up[d] as number);
    }
    return codes;
  }
}

/**
 * @param codes [count, M]
 * @param previous the plane shown before: principal axes keep its directions where they can
 */
export function choosePlane(
  codes: Float32Array,
  dims: number,
  choice: PlaneChoice,
  previous: Plane | undefined,
): Plane {
  const unit = (i: number) => Float64Array.from({ length: dims }, (_, d) => Number(d === i));
  if (dims <= 2) return new Plane(new Float64Array(dims), [unit(0), unit(1)]);
  const count = codes.length / dims;
  const { axes, mean } = leading(codes, count, dims);
  if (choice !== 'principal') {
    const [i, j] = choice;
    // The other dimensions stay at their mean; the shown ones count from zero.
    mean[i] = 0;
    mean[j] = 0;
    return new Plane(mean, [unit(i), unit(j)]);
  }
  const found = [axes.slice(0, dims), axes.slice(dims)] as const;
  return new Plane(mean, previous ? aligned(found, previous.axes) : found);
}

/** The two leading components; of codes of very many numbers, those of the ones that vary most. */
function leading(codes: Float32Array, count: number, dims: number) {
  const chosen = mostVaried(codes, dims, FEATURES);
  const width = chosen.length;
  const at = (row: number, d: number) => codes[row * dims + d] as number;
  const kept = Float32Array.from({ length: count * width }, (_, i) =>
    at(Math.floor(i / width), chosen[i % width] as number),
  );
  const found = principalComponents(kept, count, width, 2);
  const axes = new Float64Array(2 * dims);
  chosen.forEach((d, i) => {
    for (const k of [0, 1]) axes[k * dims + d] = found.axes[k * width + i] as number;
  });
  const mean = new Float64Array(dims);
  codes.forEach((value, i) => {
    mean[i % dims] = (mean[i % dims] as number) + value / count;
  });
  return { axes, mean };
}

type Axes = readonly [Float64Array, Float64Array];

/**
 * The plane's axes turned (or mirrored) within it to lie as close as they can to the old ones: the
 * orthogonal Procrustes problem in two dimensions, so that the map does not jump while it changes.
 */
function aligned(axes: Axes, old: Axes): Axes {
  const dot = (a: Float64Array, b: Float64Array) =>
    a.reduce((sum, value, d) => sum + value * (b[d] as number), 0);
  const [a, b] = [dot(old[0], axes[0]), dot(old[0], axes[1])];
  const [c, d] = [dot(old[1], axes[0]), dot(old[1], axes[1])];
  const mirrored = a * d - b * c < 0 ? -1 : 1;
  const x = a + mirrored * d;
  const y = b - mirrored * c;
  const length = Math.hypot(x, y);
  if (length < 1e-9) return axes;
  const [cos, sin] = [x / length, y / length];
  const mix = (p: number, q: number) =>
    axes[0].map((value, i) => p * value + q * (axes[1][i] as number));
  return [mix(cos, sin), mix(-mirrored * sin, mirrored * cos)];
}
