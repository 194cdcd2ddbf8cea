// What masked nets have in common: ranks of units, and the pass through layers whose weights are masked.
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import { type Activation, activations, add, matmul, transpose } from '../ops/index.ts';
import type { Linear } from './linear.ts';

/** Which feature's turn is the k-th, and when that of feature i comes: unsigned [D]. */
export interface Turns {
  readonly places: Tensor;
  readonly ranks: Tensor;
}

/** A net in which every output sees features of lower rank alone, as a walk through its features takes it. */
export interface Masked {
  readonly features: number;
  /** Numbers that a feature is shown as. */
  readonly inputs: number;
  readonly activation: Activation;
  readonly layers: readonly Linear[];
  /** Weights of the layers as they count: zeros where nothing is seen. */
  weights(): readonly Tensor[];
  turns(): Turns;
  /** The context as far as the net takes one. @throws LatentGpuError `shape-mismatch` */
  contextOf(given: Tensor | undefined, batch: number): Tensor | undefined;
}

/** Ranks `least` to features - 2, spread evenly over the units of a hidden layer. */
export function spreadRanks(width: number, features: number, least: number): number[] {
  return Array.from(
    { length: width },
    (_, i) => least + Math.floor((i * (features - 1 - least)) / width),
  );
}

/** Layers with an activation between them. @param weights as they count @param x [B, inputs of the first] */
export function maskedPass(
  { layers, activation }: Pick<Masked, 'layers' | 'activation'>,
  weights: readonly Tensor[],
  x: Tensor,
): Tensor {
  return layers.reduce((h, layer, i) => {
    const y = add(matmul(h, transpose(weights[i] as Tensor)), layer.bias as Variable);
    return activations[i === layers.length - 1 ? 'identity' : activation](y);
  }, x);
}
