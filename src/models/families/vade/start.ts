// Where clusters begin: a mixture fitted by EM to the codes of a pretrained autoencoder, and posteriors that
// are narrow beside its components.
import type { Tensor } from '../../../graph/tensor.ts';
import type { Variable } from '../../../graph/variable.ts';
import type { Batch, Module } from '../../../nn/index.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import type { Fitting } from '../../learner.ts';
import { rowsHeld } from '../../rows-held.ts';
import { GaussianMixture } from '../gmm/model.ts';
import type { Mixture } from './bound.ts';

/** Mixtures that EM tries side by side. */
const STARTS = 5;
/** Passes over the codes at most, and nats a row that ten of them must bring. */
const PASSES = 200;
const TOLERANCE = 1e-4;
/** Added to every variance of codes: a number of the code may be idle. */
const LEAST_VARIANCE = 1e-4;
/** A posterior's deviation to begin with, beside a component's: noise as wide as that would undo pretraining. */
const NARROW = 0.5;

/** What the start is for. */
export interface Started {
  /** Codes of a batch, [B, M]. */
  code(batch: Batch): Tensor;
  readonly mixture: Record<keyof Mixture, Variable>;
  /** To means and log deviations of codes, 2 M numbers: a linear layer is its last. */
  readonly encoder: Module;
}

export function mixtureStart({ code, mixture, encoder }: Started): Fitting {
  const [components, latent] = mixture.mean.shape as [number, number];
  const by = new GaussianMixture(
    {
      ...{ components, covariance: 'diagonal', fit: 'em', start: 'kmeans', starts: STARTS },
      ...{ regularize: LEAST_VARIANCE, tolerance: TOLERANCE, power: 1 },
    },
    { shape: [latent] },
  );
  const [weight, bias] = encoder.parameters().slice(-2) as [Variable, Variable];
  return {
    of: code,
    by: by as Fitting['by'],
    batch: rowsHeld(STARTS * components * latent),
    passes: PASSES,
    take: async (found, runtime) => {
      const logits = found(by.logWeights);
      // The factor of a diagonal covariance is log 1/σ.
      const logStd = found(by.factor).map((log) => -log);
      runtime.write(mixture.logits, logits);
      runtime.write(mixture.mean, found(by.mean));
      runtime.write(mixture.logStd, logStd);
      await narrow(runtime, { weight, bias }, typical(logits, logStd));
    },
  };
}

/** Σ_c π_c log σ_c of each number of the code. */
function typical(logits: Float32Array, logStd: Float32Array): Float64Array {
  const weights = Float64Array.from(logits, Math.exp);
  const total = weights.reduce((a, b) => a + b, 0);
  const mean = new Float64Array(logStd.length / logits.length);
  logStd.forEach((value, at) => {
    const [c, j] = [Math.floor(at / mean.length), at % mean.length];
    mean[j] = (mean[j] as number) + ((weights[c] as number) / total) * value;
  });
  return mean;
}

/** Sets the encoder's log deviations, which pretraining has left as they were, for every x alike. */
async function narrow(
  runtime: Runtime,
  { weight, bias }: Record<'weight' | 'bias', Variable>,
  logStd: Float64Array,
): Promise<void> {
  const latent = logStd.length;
  const [weights, biases] = (await Promise.all([weight, bias].map((v) => runtime.read(v)))) as [
    Float32Array,
    Float32Array,
  ];
  weights.fill(0, weights.length / 2);
  logStd.forEach((value, j) => {
    biases[latent + j] = value + Math.log(NARROW);
  });
  runtime.write(weight, weights);
  runtime.write(bias, biases);
}
