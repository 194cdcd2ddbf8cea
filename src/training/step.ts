// A training step as a graph: batch, loss, gradient, update, record.
import type { ImageDataset } from '../data/dataset.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import type { Module } from '../nn/index.ts';
import { add, addUint, modUint, mulUint, step, store } from '../ops/index.ts';
import { type Minimization, type MinimizeOptions, minimize } from '../optim/index.ts';
import type { TuneMode, TuneOptions, Tuner } from '../tuning/index.ts';
import { type Batches, batchesOf } from './batches.ts';
import type { Binarization } from './binarize.ts';

/** Steps whose metrics the GPU remembers before the host has to look. */
export const HISTORY = 4096;

export interface LossTerms {
  /** Scalar to be lowered. */
  readonly loss: Tensor;
  /** Scalars to be recorded beside it. */
  readonly metrics?: Readonly<Record<string, Tensor>>;
  /** What else the step leaves behind, in buffers of the model: running statistics. */
  readonly effects?: readonly Tensor[];
}

export interface TrainerOptions extends MinimizeOptions {
  readonly model: Module;
  /** The loss of a batch x [B, D]. */
  readonly loss: (x: Tensor) => LossTerms;
  /** What is done once with the first batch, before the first step: a start from data. */
  readonly start?: (x: Tensor) => readonly Tensor[];
  readonly data: ImageDataset;
  readonly batch: number;
  /** Default: `none`. */
  readonly binarize?: Binarization;
  /** Of initial values, noise and shuffling. */
  readonly seed?: number;
  /** Initial values in place of those the parameters would give themselves. */
  readonly initial?: ReadonlyMap<Variable, Float32Array>;
  /**
   * Data that take more bytes than this on the GPU are streamed: it has the rows of the next steps
   * only, and the same steps give the same bits. Default: 128 MiB, what one binding spans anywhere.
   */
  readonly residentBytes?: number;
  /**
   * Whether the step's kernels are chosen by measurement; of a run that is continued, they are those
   * it began with. Default: as `LATENTGPU_TUNE` says, else `auto`.
   */
  readonly tune?: TuneMode | TuneOptions | Tuner;
}

/** The graph of a training step, without a device. */
export interface StepDescription {
  readonly batches: Batches;
  readonly loss: Tensor;
  readonly step: Minimization;
  /** What is recorded of every step, in order. */
  readonly names: readonly string[];
  readonly history: Variable;
  readonly effects: readonly Tensor[];
  /** Done once, before the first step. */
  readonly start: readonly Tensor[];
}

/**
 * Describes a step. Needs no device and reads no data, so that `schedule({ effects })` can tell how a
 * step would run.
 */
export function describeStep(options: TrainerOptions): StepDescription {
  const { model, data, batch, binarize = 'none', residentBytes } = options;
  const batches = batchesOf(data, {
    batch,
    binarization: binarize,
    seed: options.seed ?? 0,
    ...(residentBytes !== undefined && { residentBytes }),
  });
  const { loss, metrics = {}, effects = [] } = options.loss(batches.x);
  const minimization = minimize(loss, model.parameters(), options);
  const buffers = model.namedBuffers().map(([path, held]) => [`buffer.${path}`, held] as const);
  const recorded: Record<string, Tensor> = {
    loss,
    ...metrics,
    gradientNorm: minimization.gradientNorm,
    learningRate: add(minimization.learningRate, 0),
  };
  const names = Object.keys(recorded);
  const history = variable('history', [HISTORY * names.length]);
  const row = mulUint(modUint(step, HISTORY), names.length);
  const stores = names.map((name, i) => store(history, addUint(row, i), recorded[name] as Tensor));
  return {
    batches,
    loss,
    step: {
      ...minimization,
      state: { ...minimization.state, ...Object.fromEntries(buffers) },
    },
    names,
    history,
    effects: [...minimization.effects, ...effects, ...stores],
    start: options.start?.(batches.x) ?? [],
  };
}
