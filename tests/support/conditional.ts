/** Normals of which a part is seen, in float64. */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';

export interface Conditional {
  /** What is seen, and E[x | what is seen] elsewhere. */
  readonly mean: number[];
  /** log p(what is seen). */
  readonly logProb: number;
}

/** Of N(μ, Σ), rows whose `mask` is 0 are missing (Bishop 2006, 2.81 and 2.98). */
export function conditional(
  mu: ArrayLike<number>,
  sigma: Matrix,
  x: ArrayLike<number>,
  mask: ArrayLike<number>,
): Conditional {
  const all = Array.from(mu).keys();
  const seen = [...all].filter((d) => mask[d]);
  const hidden = [...Array.from(mu).keys()].filter((d) => !mask[d]);
  const rest = Matrix.columnVector(seen.map((d) => Number(x[d]) - Number(mu[d])));
  const root = new CholeskyDecomposition(sigma.selection(seen, seen));
  const solved = root.solve(rest);
  const shift = hidden.length > 0 ? sigma.selection(hidden, seen).mmul(solved) : undefined;
  const mean = Array.from(mu, (value, d) => (mask[d] ? Number(x[d]) : value));
  hidden.forEach((d, i) => {
    mean[d] = (mean[d] as number) + (shift as Matrix).get(i, 0);
  });
  const logDet = root.lowerTriangularMatrix.diagonal().reduce((sum, l) => sum + 2 * Math.log(l), 0);
  const far = rest.transpose().mmul(solved).get(0, 0);
  return { mean, logProb: -0.5 * (far + logDet + seen.length * Math.log(2 * Math.PI)) };
}
