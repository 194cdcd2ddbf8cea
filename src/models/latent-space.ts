// Ways through latent space: from one code to another, and over a plane of it. Float64 on the host:
// codes are few.
import { LatentGpuError } from '../errors.ts';
import { normalQuantile } from '../ops/reference/special.ts';
import { checkWhole } from './ask/rows.ts';

/** Below this, in radians, an angle is none: the great circle's division would lose all digits. */
const NO_ANGLE = 1e-6;

/**
 * Codes from `a` to `b`, both ends included: [steps, M].
 *
 * Straight: (1 - t) a + t b. Spherical: sin((1 - t) Ω) / sin Ω · a + sin(t Ω) / sin Ω · b with Ω the
 * angle between the two (Shoemake 1985), which keeps the length that draws of a normal prior have
 * (White 2016). Where there is no such arc (parallel, opposite or zero codes) it goes straight.
 *
 * @throws LatentGpuError `shape-mismatch`; `bad-input` for fewer than two steps
 * @example interpolate([0], [1], 3) // [0, 0.5, 1]
 */
export function interpolate(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  steps: number,
  path: 'straight' | 'spherical' = 'straight',
): Float32Array {
  checkWhole('steps', steps, 2);
  const dims = a.length;
  if (b.length !== dims) {
    throw new LatentGpuError(
      'shape-mismatch',
      `one code has ${dims} dimensions and the other ${b.length}`,
    );
  }
  const weights = path === 'spherical' ? arc(a, b) : straight;
  const codes = new Float32Array(steps * dims);
  for (let i = 0; i < steps; i++) {
    const [wa, wb] = weights(i / (steps - 1));
    for (let d = 0; d < dims; d++) {
      codes[i * dims + d] = wa * (a[d] as number) + wb * (b[d] as number);
    }
  }
  return codes;
}

const straight = (t: number): readonly [number, number] => [1 - t, t];

function arc(a: ArrayLike<number>, b: ArrayLike<number>): typeof straight {
  const norm = (x: ArrayLike<number>) => Math.hypot(...Array.from(x));
  const [na, nb] = [norm(a), norm(b)];
  if (na === 0 || nb === 0) return straight;
  // Of the unit vectors u and v: |u - v| and |u + v| tell small angles more exactly than u · v.
  const unit = (x: ArrayLike<number>, n: number) => Array.from(x, (value) => value / n);
  const [u, v] = [unit(a, na), unit(b, nb)];
  const apart = norm(u.map((value, d) => value - (v[d] as number)));
  const along = norm(u.map((value, d) => value + (v[d] as number)));
  const angle = 2 * Math.atan2(apart, along);
  if (angle < NO_ANGLE || Math.PI - angle < NO_ANGLE) return straight;
  return (t) => [
    Math.sin((1 - t) * angle) / Math.sin(angle),
    Math.sin(t * angle) / Math.sin(angle),
  ];
}

/** A plane (or a line) in latent space: an origin, and one or two axes, each with its deviation. */
export interface LatentPlane {
  /** [M]. */
  readonly origin: ArrayLike<number>;
  /** Unit vectors, [M] each: to the right, and up. */
  readonly axes: readonly ArrayLike<number>[];
  /** Deviations of the codes along the axes. */
  readonly deviations: ArrayLike<number>;
}

/**
 * All of a latent space of one or two dimensions under the prior N(0, I).
 *
 * @example priorPlane(2).axes.length // 2
 */
export function priorPlane(latent: 1 | 2): LatentPlane {
  const axes = Array.from({ length: latent }, (_, i) =>
    Float64Array.from({ length: latent }, (_, d) => Number(d === i)),
  );
  return {
    origin: new Float64Array(latent),
    axes,
    deviations: new Float64Array(latent).fill(1),
  };
}

/**
 * Codes on a grid over a plane, equally spaced in probability: along each axis at the quantiles
 * (i + ½) / side of a normal distribution with the axis' deviation (Kingma and Welling 2014, figure 4).
 *
 * @returns [side · side, M] row by row from the upper left, or [side, M] for a single axis
 * @throws LatentGpuError `bad-input` for a side below 1
 * @example latentGrid(priorPlane(2), 3).length // 18
 */
export function latentGrid({ origin, axes, deviations }: LatentPlane, side: number): Float32Array {
  checkWhole('side', side, 1);
  const dims = origin.length;
  const at = Float64Array.from({ length: side }, (_, i) => normalQuantile((i + 0.5) / side));
  const [right, up] = axes as [ArrayLike<number>, ArrayLike<number> | undefined];
  const rows = up ? side : 1;
  const codes = new Float32Array(rows * side * dims);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < side; column++) {
      const x = (at[column] as number) * (deviations[0] as number);
      const y = up ? (at[side - 1 - row] as number) * (deviations[1] as number) : 0;
      for (let d = 0; d < dims; d++) {
        codes[(row * side + column) * dims + d] =
          (origin[d] as number) + x * (right[d] as number) + y * Number(up?.[d] ?? 0);
      }
    }
  }
  return codes;
}
