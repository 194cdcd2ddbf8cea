/**
 * The model in which everything is known: z ~ N(0, I), x | z ~ N(Wz + μ, σ²I), which is probabilistic
 * PCA (Tipping and Bishop 1999). Closed forms in float64.
 */

export interface LinearGaussian {
  /** [D, M], row major. */
  readonly weight: ArrayLike<number>;
  /** [D]. */
  readonly bias: ArrayLike<number>;
  readonly latent: number;
  readonly std: number;
}

const LOG_2PI = Math.log(2 * Math.PI);

/** `a` = L Lᵀ for a positive definite [n, n]; the lower triangle. */
function cholesky(a: Float64Array, n: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j] as number;
      for (let k = 0; k < j; k++) sum -= (l[i * n + k] as number) * (l[j * n + k] as number);
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / (l[j * n + j] as number);
    }
  }
  return l;
}

/** L⁻¹ b. */
function forward(l: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = b[i] as number;
    for (let k = 0; k < i; k++) sum -= (l[i * n + k] as number) * (y[k] as number);
    y[i] = sum / (l[i * n + i] as number);
  }
  return y;
}

/** L⁻ᵀ b. */
function backward(l: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const y = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i] as number;
    for (let k = i + 1; k < n; k++) sum -= (l[k * n + i] as number) * (y[k] as number);
    y[i] = sum / (l[i * n + i] as number);
  }
  return y;
}

export class ExactModel {
  readonly model: LinearGaussian;
  readonly features: number;
  /** The Cholesky factor of Wᵀ W + σ²I, [M, M]. */
  private readonly factor: Float64Array;

  constructor(model: LinearGaussian) {
    this.model = model;
    this.features = model.bias.length;
    const { latent: M, weight, std } = model;
    const gram = new Float64Array(M * M);
    for (let i = 0; i < M; i++) {
      for (let j = 0; j < M; j++) {
        let sum = i === j ? std ** 2 : 0;
        for (let d = 0; d < this.features; d++) {
          sum += (weight[d * M + i] as number) * (weight[d * M + j] as number);
        }
        gram[i * M + j] = sum;
      }
    }
    this.factor = cholesky(gram, M);
  }

  /** x - μ and Wᵀ (x - μ). */
  private centred(x: ArrayLike<number>): { rest: Float64Array; projected: Float64Array } {
    const { latent: M, weight, bias } = this.model;
    const rest = Float64Array.from(bias, (b, d) => (x[d] as number) - b);
    const projected = new Float64Array(M);
    for (let d = 0; d < rest.length; d++) {
      for (let j = 0; j < M; j++) {
        projected[j] =
          (projected[j] as number) + (weight[d * M + j] as number) * (rest[d] as number);
      }
    }
    return { rest, projected };
  }

  /** log N(x; μ, WWᵀ + σ²I), by Woodbury's identity. */
  logProb(x: ArrayLike<number>): number {
    const { latent: M, std } = this.model;
    const { rest, projected } = this.centred(x);
    const reduced = forward(this.factor, projected);
    const square = (v: Float64Array) => v.reduce((sum, a) => sum + a * a, 0);
    let logDeterminant = 2 * (this.features - M) * Math.log(std);
    for (let i = 0; i < M; i++) logDeterminant += 2 * Math.log(this.factor[i * M + i] as number);
    const distance = (square(rest) - square(reduced)) / std ** 2;
    return -0.5 * (this.features * LOG_2PI + logDeterminant + distance);
  }

  /** The mean of p(z | x). */
  posteriorMean(x: ArrayLike<number>): Float64Array {
    return backward(this.factor, forward(this.factor, this.centred(x).projected));
  }

  /** Standard deviations of p(z | x), the same for every x. */
  posteriorStd(): Float64Array {
    const { latent: M, std } = this.model;
    return Float64Array.from({ length: M }, (_, j) => {
      const unit = new Float64Array(M);
      unit[j] = 1;
      const half = forward(this.factor, unit);
      return std * Math.sqrt(half.reduce((sum, a) => sum + a * a, 0));
    });
  }

  /** E_q log p(x | z) and KL(q ‖ p) for q = N(m, diag s²). */
  elbo(x: ArrayLike<number>, m: ArrayLike<number>, s: ArrayLike<number>) {
    const { latent: M, weight, bias, std } = this.model;
    let squares = 0;
    for (let d = 0; d < this.features; d++) {
      let rest = (x[d] as number) - (bias[d] as number);
      for (let j = 0; j < M; j++) {
        const w = weight[d * M + j] as number;
        rest -= w * (m[j] as number);
        squares += (w * (s[j] as number)) ** 2;
      }
      squares += rest * rest;
    }
    const D = this.features;
    const reconstruction = -0.5 * (D * (LOG_2PI + 2 * Math.log(std)) + squares / std ** 2);
    let kl = 0;
    for (let j = 0; j < M; j++) {
      const [mean, dev] = [m[j] as number, s[j] as number];
      kl += 0.5 * (mean ** 2 + dev ** 2 - 1) - Math.log(dev);
    }
    return { bound: reconstruction - kl, reconstruction, kl };
  }
}
