// Rational-quadratic splines in float64: the formulas of shaders/lib/spline_pieces.wgsl.

/** What no share of the whole and no slope falls below. */
export const LEAST = 1e-3;
/** softplus of this is 1 - LEAST. */
export const UNIT_SLOPE = Math.log(Math.expm1(1 - LEAST));

export interface SplineForm {
  readonly bins: number;
  readonly bound: number;
  readonly inverse: boolean;
}

/** One element's value, logarithm of the slope, and gradients for those of both. */
export interface SplinePoint {
  readonly value: number;
  readonly logSlope: number;
  gradients(ofValue: number, ofSlope: number): { x: number; parameters: number[] };
}

function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const weights = logits.map((x) => Math.exp(x - most));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / total);
}

/** The spline with `parameters` [3 · bins - 1], or its inverse, at `x`. */
export function splineAt(
  x: number,
  parameters: readonly number[],
  { bins, bound, inverse }: SplineForm,
): SplinePoint {
  if (!(Math.abs(x) < bound)) {
    const none = parameters.map(() => 0);
    return { value: x, logSlope: 0, gradients: (x) => ({ x, parameters: none }) };
  }
  const scale = 1 - LEAST * bins;
  const shares = [0, bins].map((from) => softmax(parameters.slice(from, from + bins)));
  const extents = shares.map((axis) => axis.map((w) => 2 * bound * (LEAST + scale * w)));
  const [widths, heights] = extents as [number[], number[]];
  const start = (axis: readonly number[], k: number) =>
    axis.slice(0, k).reduce((a, b) => a + b, -bound);
  const along = inverse ? heights : widths;
  let k = bins - 1;
  while (k > 0 && x < start(along, k)) k--;
  const sigmoid = (h: number) => 1 / (1 + Math.exp(-h));
  const raw = (knot: number) => (parameters[2 * bins + knot - 1] as number) + UNIT_SLOPE;
  const slope = (knot: number) =>
    knot === 0 || knot === bins ? 1 : LEAST + Math.log1p(Math.exp(raw(knot)));
  const [w, h, d, e] = [widths[k] as number, heights[k] as number, slope(k), slope(k + 1)];
  const [a, b, s] = [start(widths, k), start(heights, k), h / w];
  let xi = (x - a) / w;
  if (inverse) {
    const y = x - b;
    const bend = y * (d + e - 2 * s);
    const [p, q, r] = [h * (s - d) + bend, h * d - bend, -s * y];
    xi = (-2 * r) / (q + Math.sqrt(q * q - 4 * p * r));
  }
  const rest = 1 - xi;
  const both = xi * rest;
  const turn = 1 - 2 * xi;
  const bow = d + e - 2 * s;
  const rise = s * xi * xi + d * both;
  const under = s + bow * both;
  const top = e * xi * xi + 2 * s * both + d * rest * rest;
  const logSlope = 2 * Math.log(s) + Math.log(top) - 2 * Math.log(under);
  const gradients = (ofValue: number, ofSlope: number) => {
    const ratio = rise / under;
    const yXi = (2 * s * xi + d * turn - ratio * bow * turn) / under;
    const lXi = (2 * e * xi + 2 * s * turn - 2 * d * rest) / top - (2 * bow * turn) / under;
    const back = (ofValue - (ofSlope * lXi) / w) / ((s * s * top) / (under * under));
    const [g, l] = inverse ? [-back, -ofSlope] : [ofValue, ofSlope];
    const toXi = g * h * yXi + l * lXi;
    const toS =
      (g * h * (xi * xi - ratio * (1 - 2 * both))) / under +
      l * (2 / s + (2 * both) / top - (2 * (1 - 2 * both)) / under);
    const toSlope = (own: number, square: number) =>
      ((g * h) / under) * both * own + l * (square / top - (2 * both) / under);
    const axis = (shares: readonly number[], toStart: number, toExtent: number) => {
      const own = shares.map((_, i) => (i < k ? toStart : i === k ? toExtent : 0));
      const mean = shares.reduce((total, share, i) => total + share * (own[i] as number), 0);
      return shares.map((share, i) => 2 * bound * scale * share * ((own[i] as number) - mean));
    };
    const slopes = Array.from({ length: bins - 1 }, (_, i) => {
      const knot = i + 1;
      if (knot !== k && knot !== k + 1) return 0;
      const own = knot === k ? toSlope(1 - ratio, rest * rest) : toSlope(-ratio, xi * xi);
      return own * sigmoid(raw(knot));
    });
    return {
      x: inverse ? back : toXi / w,
      parameters: [
        ...axis(shares[0] as number[], -toXi / w, -(toXi * xi + toS * s) / w),
        ...axis(shares[1] as number[], g, g * (rise / under) + toS / w),
        ...slopes,
      ],
    };
  };
  return inverse
    ? { value: a + xi * w, logSlope: -logSlope, gradients }
    : { value: b + (h * rise) / under, logSlope, gradients };
}
