// A training step as a graph: batch, loss, gradient, update, record.
import type { ImageDataset } from '../data/dataset.ts';
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import type { Batch, Module } from '../nn/index.ts';
import { add, addUint, modUint, mulUint, step, store } from '../ops/index.ts';
import {
  type Followed,
  type Minimization,
  type MinimizeOptions,
  minimize,
} from '../optim/index.ts';
import type { TuneMode, TuneOptions, Tuner } from '../tuning/index.ts';
import { type Batches, batchesOf } from './batches.ts';
import type { Binarization } from './binarize.ts';

/** Steps whose metrics the GPU remembers before the host has to look. */
export const HISTORY = 4096;
/** The column of a surrogate. */
export const SURROGATE = 'surrogate';

export interface LossTerms {
  /** Scalar to be lowered, and recorded. */
  readonly loss: Tensor;
  /** Scalar whose gradients lower the loss, where they are not the loss's own: an estimator's. */
  readonly surrogate?: Tensor;
  /** Scalars to be recorded beside it. */
  readonly metrics?: Readonly<Record<string, Tensor>>;
  /** What else the step leaves behind, in buffers of the model (running statistics) or in `state`. */
  readonly effects?: readonly Tensor[];
  /** Tensors beside the parameters whose gradients some effects use: rows of a table. */
  readonly also?: readonly Followed[];
  /**
   * Variables of the loss itself, by name, without which a run could not go on with the same bits:
   * multipliers, moving averages. Buffers of the model need no mention.
   */
  readonly state?: Readonly<Record<string, Variable>>;
}

export interface TrainerOptions extends Omit<MinimizeOptions, 'also'> {
  readonly model: Module;
  /** The loss of a batch: `({ x }) => …`, x [B, D]. */
  readonly loss: (batch: Batch) => LossTerms;
  /** What is done once with the first batch, before the first step: a start from data. */
  readonly start?: (batch: Batch) => readonly Tensor[];
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
  readonly surrogate: Tensor | undefined;
  readonly step: Minimization;
  /** What is reported of every step, in order. */
  readonly names: readonly string[];
  /** What is recorded: the same, and a surrogate, which is only watched. */
  readonly columns: readonly string[];
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
  const terms = options.loss(batches.batch);
  const { loss, metrics = {}, effects = [] } = terms;
  const surrogate = terms.surrogate === loss ? undefined : terms.surrogate;
  const { also = [] } = terms;
  const minimization = minimize(surrogate ?? loss, model.parameters(), { ...options, also });
  const buffers = model.namedBuffers();
  checkTables(minimization.tables, buffers);
  const reported: [string, Tensor][] = Object.entries({
    loss,
    ...metrics,
    gradientNorm: minimization.gradientNorm,
    learningRate: add(minimization.learningRate, 0),
  });
  const recorded = surrogate ? [...reported, [SURROGATE, surrogate] as const] : reported;
  const width = recorded.length;
  const history = variable('history', [HISTORY * width]);
  const row = mulUint(modUint(step, HISTORY), width);
  const stores = recorded.map(([, value], i) => store(history, addUint(row, i), value));
  return {
    batches,
    loss,
    surrogate,
    step: {
      ...minimization,
      state: {
        ...minimization.state,
        ...prefixed('buffer', buffers),
        ...prefixed('state', Object.entries(terms.state ?? {})),
      },
    },
    names: reported.map(([name]) => name),
    columns: recorded.map(([name]) => name),
    history,
    effects: [...minimization.effects, ...effects, ...stores],
    start: options.start?.(batches.batch) ?? [],
  };
}

/** A table is saved with the model, or its numbers are lost. */
function checkTables(
  tables: readonly Variable[],
  buffers: readonly (readonly [string, Variable])[],
): void {
  const stray = tables.find((table) => !buffers.some(([, held]) => held === table));
  if (!stray) return;
  throw new LatentGpuError(
    'bad-config',
    `${stray} learns by rows and is no buffer of the model; make its table a field of the model`,
  );
}

function prefixed(
  prefix: string,
  variables: readonly (readonly [string, Variable])[],
): Record<string, Variable> {
  return Object.fromEntries(variables.map(([name, held]) => [`${prefix}.${name}`, held]));
}
