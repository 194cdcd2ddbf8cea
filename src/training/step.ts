// A training step as a graph: batch, loss, gradient, update, record.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import type { Batch } from '../nn/index.ts';
import { add, addUint, modUint, mulUint, step, store } from '../ops/index.ts';
import {
  type LossTerms,
  type Minimization,
  type MinimizeOptions,
  minimize,
} from '../optim/index.ts';
import { batchesOf } from './batches.ts';
import { type Description, prefixed, type RunData } from './description.ts';

/** Steps whose metrics the GPU remembers before the host has to look. */
export const HISTORY = 4096;
/** The column of a surrogate. */
const SURROGATE = 'surrogate';

export type { LossTerms } from '../optim/index.ts';

export interface TrainerOptions extends RunData, Omit<MinimizeOptions, 'also'> {
  /** The loss of a batch: `({ x, labels }) => …`, x [B, D], or of its data points alone: `(x) => …`. */
  readonly loss: (batch: Batch & Tensor) => LossTerms;
}

/** The graph of a training step, without a device. */
export interface StepDescription extends Description {
  readonly step: Minimization;
  readonly history: Variable;
  /** Of a moving average. */
  readonly decay: number | undefined;
}

/** A batch that stands for its data points as well. */
function asTensor(batch: Batch): Batch & Tensor {
  const { x } = batch;
  return Object.defineProperties(x, Object.getOwnPropertyDescriptors(batch)) as Batch & Tensor;
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
    ...(options.noise !== undefined && { noise: options.noise }),
    ...(residentBytes !== undefined && { residentBytes }),
  });
  const terms = options.loss(asTensor(batches.batch));
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
    step: minimization,
    trained: minimization,
    state: {
      ...minimization.state,
      ...prefixed('buffer', buffers),
      ...prefixed('state', Object.entries(terms.state ?? {})),
    },
    names: reported.map(([name]) => name),
    columns: recorded.map(([name]) => name),
    watched: { loss, ...(surrogate && { [SURROGATE]: surrogate }) },
    advice: 'lower the learning rate or set clipNorm',
    history,
    decay: options.ema,
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
