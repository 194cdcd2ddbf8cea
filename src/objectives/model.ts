// What a bound needs to know of a model: q(z | x), p(x | z) and p(z).
import type {
  Bernoulli,
  Density,
  Distribution,
  Draw,
  Normal,
  OneHot,
  Reparameterized,
} from '../distributions/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Batch } from '../nn/index.ts';

/** q(z | x) for a batch: codes of M numbers for each of B data points. */
export interface Posterior {
  /** The code that stands for x, [B, M]. */
  readonly mean: Tensor;
  /** Log standard deviations of the code's numbers where they are known, [B, M]. */
  readonly logStd?: Tensor;
  /** Draws [B, S, M] with their log-densities [B, S]; of a single one [B, M] and [B]. */
  draw(samples: number): Draw;
  /** log q(z | x) in nats: [B, S, M] to [B, S], or [B, M] to [B]. */
  logProb(z: Tensor): Tensor;
  /**
   * KL(q ‖ prior) in closed form, [B, G]: a dimension of the code each, a group of a discrete code, or
   * all of it at once (G = 1); undefined for a prior against which there is none.
   */
  klTo?(prior: Density): Tensor | undefined;
  /**
   * KL(q ‖ prior) of each row by parts that hang on each other, [B] and [B, G], at draws of its own: of
   * several layers of codes.
   */
  divergence?(draw: Draw): { readonly kl: Tensor; readonly closed: Tensor };
  /** In nats, [B]. */
  entropy?(): Tensor;
}

/** A distribution that may stand for a posterior: parameters [B, M], draws that gradients flow through. */
export type Pathwise = Pick<Reparameterized, 'mean' | 'rsample' | 'logProb'> &
  Partial<Pick<Reparameterized, 'entropy'>>;

/**
 * A model with latent codes. Independent normals, bits, one-hot variables, and any distribution with `rsample`
 * may stand for the posteriors that they are.
 *
 * ```ts
 * class MyVae extends nn.Module implements objectives.LatentModel {
 *   encoder = new nn.MLP([784, 300, 40], 'relu');
 *   decoder = new nn.MLP([20, 300, 784], 'relu');
 *   posterior({ x }: nn.Batch) {
 *     const [mean, logStd] = ops.split(this.encoder.call(x), [20, 20]);
 *     return new distributions.Normal(mean, logStd);
 *   }
 *   decode = (z: Tensor) => new distributions.Bernoulli(this.decoder.call(z));
 *   prior = () => new distributions.StandardNormal([20]);
 * }
 * ```
 */
export interface LatentModel {
  /** q(z | x). */
  posterior(batch: Batch): Posterior | Normal | Bernoulli | OneHot | Pathwise;
  /** p(x | z) for codes z [..., M] of the batch's rows: parameters [..., D]. */
  decode(z: Tensor, batch?: Batch): Distribution;
  /** p(z). */
  prior(): Density;
}
