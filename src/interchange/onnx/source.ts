// What an ONNX file is made of, and what it declares.
import type { Standardization } from '../../data/standardize.ts';
import type { Variable } from '../../graph/variable.ts';
import type { Model, ModelConfig } from '../../models/index.ts';

/**
 * - `encoder`: x → mean, and logStd where a code has deviations; of a flow the noise z
 * - `decoder`: z → x, and what else p(x | z) is given by
 * - `autoencoder`: x → mean, logStd and what the decoder makes of the mean, as `reconstruction`
 * - `density`: x → logProb, of a model whose density is exact
 * - `predictor`: x → logits and probabilities of classes, or mean and std of a column
 */
export type OnnxPart = 'encoder' | 'decoder' | 'autoencoder' | 'density' | 'predictor';

/** A model with its numbers, as a model folder holds it. */
export interface OnnxSource {
  readonly config: ModelConfig;
  readonly model: Model;
  readonly weights: ReadonlyMap<Variable, ArrayLike<number>>;
  /** What belongs to the model beside its parameters. */
  readonly buffers?: ReadonlyMap<Variable, ArrayLike<number>>;
  readonly standardization: Standardization | undefined;
}

export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}
