// One normal with all its covariances: z = μ + Lε, L lower triangular with a positive diagonal.
import { type Density, type Draw, StandardNormal } from '../../distributions/index.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Variable, variable } from '../../graph/variable.ts';
import {
  add,
  concat,
  equalUint,
  exp,
  iota,
  log,
  matmul,
  mul,
  permuteColumns,
  randomNormal,
  reshape,
  square,
  standardNormalLogProb,
  sub,
  sum,
  transpose,
  triangularInverse,
  zeros,
} from '../../ops/index.ts';
import type { Posterior } from '../model.ts';

const HALF_LOG_2_PI_E = 0.5 * Math.log(2 * Math.PI * Math.E);

/**
 * Numbers below the diagonal of an M × M matrix.
 *
 * @example objectives.belowDiagonal(3) // 3
 */
export function belowDiagonal(latent: number): number {
  return (latent * (latent - 1)) / 2;
}

/**
 * q(z | x) = N(μ, LLᵀ) by its Cholesky factor L, whose diagonal is exp(d).
 *
 * ```ts
 * const out = encoder.call(x); // [B, M + M + M (M - 1) / 2]
 * const [mean, logDiagonal] = [ops.slice(out, -1, 0, M), ops.slice(out, -1, M, 2 * M)];
 * const q = new objectives.FullPosterior(mean, logDiagonal, ops.slice(out, -1, 2 * M, out.shape[1]));
 * ```
 */
export class FullPosterior implements Posterior {
  readonly mean: Tensor;
  private readonly logDiagonal: Tensor;
  private readonly lower: Tensor;
  private made: Tensor | undefined;

  /**
   * @param mean μ [B, M] @param logDiagonal d [B, M]
   * @param lower what is below the diagonal, row by row: [B, M (M - 1) / 2]
   * @throws LatentGpuError `shape-mismatch`
   */
  constructor(mean: Tensor, logDiagonal: Tensor, lower: Tensor) {
    const [batch, latent] = mean.shape as [number, number];
    const wanted = belowDiagonal(latent);
    if (lower.rank !== 2 || lower.shape[0] !== batch || lower.shape[1] !== wanted) {
      throw new LatentGpuError(
        'shape-mismatch',
        `FullPosterior: ${lower} is not [${batch}, ${wanted}], what lies below the diagonal`,
      );
    }
    this.mean = mean;
    this.logDiagonal = logDiagonal;
    this.lower = lower;
  }

  /** L, [B, M, M]. */
  private get factor(): Tensor {
    this.made ??= factorOf(this.logDiagonal, this.lower);
    return this.made;
  }

  /** Of each number of the code for itself: ½ log Σ_j L_ij². */
  get logStd(): Tensor {
    return mul(0.5, log(sum(square(this.factor), -1)));
  }

  draw(samples: number): Draw {
    const [batch, latent] = this.mean.shape as [number, number];
    const noise = randomNormal([batch, samples, latent]);
    const centre = reshape(this.mean, [batch, 1, latent]);
    const value = add(centre, matmul(noise, transpose(this.factor)));
    const lead = samples === 1 ? [batch] : [batch, samples];
    return {
      value: reshape(value, [...lead, latent]),
      logProb: () => reshape(this.weigh(noise), lead),
      pathwise: true,
    };
  }

  logProb(z: Tensor): Tensor {
    const [batch, latent] = this.mean.shape as [number, number];
    const rows = reshape(z, [batch, -1, latent]);
    const centred = sub(rows, reshape(this.mean, [batch, 1, latent]));
    const noise = matmul(centred, transpose(triangularInverse(this.factor)));
    return reshape(this.weigh(noise), z.shape.slice(0, -1));
  }

  /** log N(ε; 0, I) - log |L| for noise [B, S, M]. */
  private weigh(noise: Tensor): Tensor {
    const volume = sum(this.logDiagonal, -1, { keepDims: true });
    return sub(sum(standardNormalLogProb(noise), -1), volume);
  }

  /** As a whole, [B, 1]: ½ (‖L‖² + ‖μ‖² - M) - log |L|. */
  klTo(prior: Density): Tensor | undefined {
    if (!(prior instanceof StandardNormal)) return undefined;
    prior.checkWidth(this.mean);
    const own = sub(
      mul(0.5, sub(add(square(this.mean), exp(mul(2, this.logDiagonal))), 1)),
      this.logDiagonal,
    );
    const whole = sum(own, -1, { keepDims: true });
    if (this.lower.size === 0) return whole;
    return add(whole, mul(0.5, sum(square(this.lower), -1, { keepDims: true })));
  }

  entropy(): Tensor {
    return sum(add(this.logDiagonal, HALF_LOG_2_PI_E), -1);
  }
}

function factorOf(logDiagonal: Tensor, lower: Tensor): Tensor {
  const [batch, latent] = logDiagonal.shape as [number, number];
  const row = reshape(iota(latent), [latent, 1]);
  const diagonal = mul(reshape(exp(logDiagonal), [batch, latent, 1]), equalUint(row, iota(latent)));
  if (latent === 1) return diagonal;
  const { index, inverse } = placesOf(latent);
  const rest = zeros([batch, latent ** 2 - belowDiagonal(latent)]);
  const placed = permuteColumns(concat([lower, rest], 1), index, inverse);
  return add(reshape(placed, [batch, latent, latent]), diagonal);
}

interface Places {
  readonly index: Variable;
  readonly inverse: Variable;
}
const places = new Map<number, Places>();

/** Where in [below the diagonal, the rest] each element of a matrix lies, and the way back. */
function placesOf(latent: number): Places {
  const known = places.get(latent);
  if (known) return known;
  const below = belowDiagonal(latent);
  let [inside, outside] = [0, below];
  const index = Uint32Array.from({ length: latent ** 2 }, (_, at) =>
    at % latent < Math.floor(at / latent) ? inside++ : outside++,
  );
  const inverse = new Uint32Array(index.length);
  index.forEach((from, to) => {
    inverse[from] = to;
  });
  const kept = (name: string, values: Uint32Array) =>
    variable(`${name} of a triangle of ${latent}`, [latent ** 2], {
      dtype: 'u32',
      init: () => values,
    });
  const made = { index: kept('places', index), inverse: kept('origins', inverse) };
  places.set(latent, made);
  return made;
}
