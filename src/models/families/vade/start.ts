// Where clusters begin: a mixture of the codes of a pretrained autoencoder, by EM or by what hangs together in the
// data, and posteriors that are narrow beside its components.
import { Matrix } from 'ml-matrix';
import type { Tensor } from '../../../graph/tensor.ts';
import type { Variable } from '../../../graph/variable.ts';
import type { Batch, Linear, Module } from '../../../nn/index.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import type { Fitting } from '../../learner.ts';
import { rowsHeld } from '../../rows-held.ts';
import { GaussianMixture } from '../gmm/model.ts';
import { type Axes, semiTiedAxes, softmax } from './axes.ts';
import type { Mixture } from './bound.ts';
import type { LinkedRows } from './linked.ts';
import type { Copies } from './neighbours.ts';
import { mixtureOfParts, partsOf } from './parts.ts';

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
  readonly kind: 'linkage' | 'em';
  /** Of rows among which clusters are looked for. */
  readonly copies: Copies | undefined;
  /** Which is told the clusters that are found, if any is. */
  readonly linked: LinkedRows | undefined;
  /** Codes of a batch, [B, M]. */
  code(batch: Batch): Tensor;
  readonly mixture: Record<keyof Mixture, Variable>;
  /** To means and log deviations of codes, 2 M numbers: a linear layer is its last. */
  readonly encoder: Module;
  /** The layer that alone reads codes, if one does: then they may be turned and scaled, and it turns them back. */
  readonly reader: Linear | undefined;
}

/** The layers on either side of the code. */
interface Sides {
  readonly weight: Variable;
  readonly bias: Variable;
  readonly reader: Variable | undefined;
}

export function mixtureStart({
  kind,
  copies,
  linked,
  code,
  mixture,
  encoder,
  reader,
}: Started): Fitting {
  const [components, latent] = mixture.mean.shape as [number, number];
  // Codes of a pretrained encoder lie aslant: ten clusters of digits are found by full covariances more often.
  const covariance = reader ? 'full' : 'diagonal';
  const regularize = LEAST_VARIANCE;
  const by = new GaussianMixture(
    {
      ...{ components, covariance, fit: 'em', start: 'kmeans', starts: STARTS },
      ...{ regularize, tolerance: TOLERANCE, power: 1 },
    },
    { shape: [latent] },
  );
  const options = { kind: covariance, how: 'kmeans', columns: undefined, regularize } as const;
  const linkage: Pick<Fitting, 'begin' | 'passes'> = {
    begin: async (data, codes, seed) => {
      const parts = await partsOf(data, components, copies, seed);
      const found = mixtureOfParts(codes, parts, { ...options, components, features: latent });
      return new Map<Variable, Float32Array>([
        [by.logWeights, Float32Array.from(found.logWeights)],
        [by.mean, Float32Array.from(found.mean)],
        [by.factor, Float32Array.from(found.factor)],
        ...(linked ? [[linked.clusters, Float32Array.from(parts)] as const] : []),
      ]);
    },
    // EM would move them to where normals fit best, which is not where the data hang together.
    passes: 0,
  };
  const [weight, bias] = encoder.parameters().slice(-2) as [Variable, Variable];
  const sides = { weight, bias, reader: reader?.weight };
  return {
    of: code,
    by: by as Fitting['by'],
    batch: rowsHeld(STARTS * components * latent),
    passes: PASSES,
    ...(kind === 'linkage' && linkage),
    take: async (found, runtime) => {
      if (linked) linked.tell(runtime, found(linked.clusters));
      const [logits, factor] = [found(by.logWeights), found(by.factor)];
      const start = reader
        ? semiTiedAxes({ logits, mean: found(by.mean), factor })
        : // The factor of a diagonal covariance is log 1/σ.
          { mean: found(by.mean), logStd: factor.map((log) => -log) };
      runtime.write(mixture.logits, logits);
      runtime.write(mixture.mean, start.mean);
      runtime.write(mixture.logStd, start.logStd);
      if ('to' in start) await turn(runtime, sides, start);
      await narrow(runtime, sides, typical(logits, start.logStd));
    },
  };
}

/** Codes z become A z for the encoder, and are read as before. */
async function turn(runtime: Runtime, { weight, bias, reader }: Sides, { to, from }: Axes) {
  const latent = to.rows;
  for (const variable of [weight, bias]) {
    const values = (await runtime.read(variable)) as Float32Array;
    const means = Array.from(values.subarray(0, values.length / 2));
    const rows = Matrix.from1DArray(latent, means.length / latent, means);
    values.set(to.mmul(rows).to1DArray());
    runtime.write(variable, values);
  }
  const first = reader as Variable;
  const values = Array.from((await runtime.read(first)) as Float32Array);
  const read = Matrix.from1DArray(values.length / latent, latent, values).mmul(from);
  runtime.write(first, Float32Array.from(read.to1DArray()));
}

/** Σ_c π_c log σ_c of each number of the code. */
function typical(logits: Float32Array, logStd: Float32Array): Float64Array {
  const weights = softmax(logits);
  const mean = new Float64Array(logStd.length / logits.length);
  logStd.forEach((value, at) => {
    const [c, j] = [Math.floor(at / mean.length), at % mean.length];
    mean[j] = (mean[j] as number) + (weights[c] as number) * value;
  });
  return mean;
}

/** Sets the encoder's log deviations, which pretraining has left as they were, for every x alike. */
async function narrow(
  runtime: Runtime,
  { weight, bias }: Sides,
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
