// What may be asked of the codes of a batch together: that their numbers do not depend on each other, and that they
// lie as the prior's draws do.
import type { Density } from '../distributions/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  div,
  logSumExp,
  mean,
  mul,
  normalLogProb,
  reshape,
  square,
  stopGradient,
  sub,
  sum,
  unsqueeze,
} from '../ops/index.ts';
import type { Posterior } from './model.ts';
import { NormalPosterior } from './posteriors/normal.ts';

/** Weights of terms that are taken from a bound. */
export interface AggregateWeights {
  /** γ of the total correlation of q(z): {@link totalCorrelation}. Default: 0. */
  readonly totalCorrelation?: number | Tensor;
  /** λ of the distance of q(z) from the prior: {@link discrepancy}. Default: 0. */
  readonly discrepancy?: number | Tensor;
}

/** Widths of the kernels, in units of 2 M: from narrow to wide, so that some fit (Tolstikhin et al. 2018). */
const WIDTHS = [0.1, 0.2, 0.5, 1, 2, 5, 10];

/** Codes of one row each of [B, M] or [B, S, M], one below the other. */
const rowsOf = (z: Tensor): Tensor => reshape(z, [-1, z.shape.at(-1) as number]);

/**
 * Total correlation KL(q(z) ‖ Π_j q(z_j)) in nats, a scalar, of q(z) = 1/B Σ_b q(z | x_b), the posteriors of a
 * batch together: 0 where the numbers of a code tell nothing of each other. By draws z of them, as Chen et al. 2018
 * estimate it (minibatch weighted sampling, whose gradient this is; its value is that of the batch and not the data's).
 * O(B² S M) operations.
 *
 * ```ts
 * const q = objectives.posteriorOf(model, { x });
 * const tc = objectives.totalCorrelation(q, q.draw(1).value);
 * ```
 *
 * @param z draws [B, M] or [B, S, M]
 * @throws LatentGpuError `bad-config` for posteriors other than independent normals
 */
export function totalCorrelation(posterior: Posterior, z: Tensor): Tensor {
  if (!(posterior instanceof NormalPosterior)) {
    throw new LatentGpuError(
      'bad-config',
      'total correlation is told by densities of each number of a code, which posteriors of independent normals have; give one, new distributions.Normal(mean, logStd)',
    );
  }
  const { mean: centre, logStd } = posterior;
  const [batch, latent] = centre.shape as [number, number];
  // Of each draw, under each posterior, by each number.
  const each = normalLogProb(unsqueeze(rowsOf(z), 1), unsqueeze(centre, 0), unsqueeze(logStd, 0));
  const whole = logSumExp(sum(each, -1), -1);
  const apart = sum(logSumExp(each, 1), -1);
  return add(mean(sub(whole, apart)), (latent - 1) * Math.log(batch));
}

/**
 * Maximum mean discrepancy of two sets of codes, a scalar (Gretton et al. 2012): 0 on average where both come from one
 * distribution. Without bias, so that it may be below 0; by the sum of inverse multiquadratic kernels C / (C + d²)
 * of seven widths C that Tolstikhin et al. 2018 take for a prior of variance 1. O((n + m)² M) operations.
 *
 * @param z codes [n, M] or [B, S, M] @param y codes [m, M], of the prior say
 * @throws LatentGpuError `bad-config` for fewer than two codes
 * @example objectives.discrepancy(ops.zeros([50, 20]), ops.randomNormal([100, 20]))
 */
export function discrepancy(z: Tensor, y: Tensor): Tensor {
  const [a, b] = [rowsOf(z), rowsOf(y)];
  const within = (own: Tensor) => {
    const n = own.shape[0] as number;
    if (n < 2) {
      throw new LatentGpuError(
        'bad-config',
        `a discrepancy compares codes with each other, and there is ${n}; give two at least`,
      );
    }
    // Each code is at distance 0 from itself, where all kernels are 1.
    return mul(sub(sum(kernel(own, own)), n * WIDTHS.length), 1 / (n * (n - 1)));
  };
  return sub(add(within(a), within(b)), mul(2, mean(kernel(a, b))));
}

/** Of each code of one with each of the other, [n, m]. */
function kernel(a: Tensor, b: Tensor): Tensor {
  const distance = sum(square(sub(unsqueeze(a, 1), unsqueeze(b, 0))), -1);
  const unit = 2 * (a.shape[1] as number);
  return WIDTHS.map((width) => div(unit * width, add(distance, unit * width))).reduce(add);
}

/** What the codes z of a batch lose a bound for lying together as they do; nothing where nothing is asked. */
export function aggregateTerms(
  posterior: Posterior,
  prior: Density,
  z: Tensor,
  { totalCorrelation: gamma = 0, discrepancy: lambda = 0 }: AggregateWeights,
): { readonly penalty: Tensor; readonly metrics: Readonly<Record<string, Tensor>> } | undefined {
  const metrics: Record<string, Tensor> = {};
  const terms: Tensor[] = [];
  if (gamma !== 0) {
    metrics.totalCorrelation = totalCorrelation(posterior, z);
    terms.push(mul(gamma, metrics.totalCorrelation));
  }
  if (lambda !== 0) {
    // The prior is where codes are to lie, and does not come to meet them.
    const drawn = stopGradient(prior.draw([rowsOf(z).shape[0] as number]).value);
    metrics.discrepancy = discrepancy(z, drawn);
    terms.push(mul(lambda, metrics.discrepancy));
  }
  return terms.length > 0 ? { penalty: terms.reduce(add), metrics } : undefined;
}
