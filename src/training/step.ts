// A training step as a graph: batch, loss, gradient, update, record.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import type { GradientLearner, Pretraining } from '../models/index.ts';
import { type Batch, type Learning, learning } from '../nn/index.ts';
import { add, addUint, assign, modUint, mulUint, step, store, where, zeros } from '../ops/index.ts';
import {
  type LossTerms,
  type Minimization,
  type MinimizeOptions,
  minimize,
} from '../optim/index.ts';
import { type Batches, batchesOf } from './batches.ts';
import { type Description, prefixed, type RunData } from './description.ts';

/** Steps whose metrics the GPU remembers before the host has to look. */
export const HISTORY = 4096;
/** The column of a surrogate. */
const SURROGATE = 'surrogate';

export type { LossTerms } from '../optim/index.ts';

export interface TrainerOptions extends RunData, Omit<MinimizeOptions, 'also'> {
  /** The loss of a batch: `({ x, labels }) => …`, x [B, D], or of its data points alone: `(x) => …`. */
  readonly loss: (batch: Batch & Tensor) => LossTerms;
  /** What comes first in the same run. */
  readonly before?: Pretraining;
  /** What the host does at the end of each pass after that. */
  readonly tend?: GradientLearner['tend'];
}

/** The graph of a training step, without a device. */
export interface StepDescription extends Description {
  readonly step: Minimization;
  readonly history: Variable;
  /** Of a moving average. */
  readonly decay: number | undefined;
  readonly before: PretrainingDescription | undefined;
  readonly tend: GradientLearner['tend'];
}

/** The first steps of a run, which lower another loss. */
interface PretrainingDescription {
  readonly steps: number;
  readonly effects: readonly Tensor[];
  readonly step: Minimization;
  readonly loss: Tensor;
  readonly fit: Pretraining['fit'];
}

/** A batch that stands for its data points as well. */
function asTensor(batch: Batch): Batch & Tensor {
  const { x } = batch;
  return Object.defineProperties(x, Object.getOwnPropertyDescriptors(batch)) as Batch & Tensor;
}

/**
 * Describes a step. Needs no device and reads no data, so that `schedule({ effects })` can tell how a
 * step would run.
 *
 * ```ts
 * const options = { model, data, batch: 100, optimizer: optim.adam(), ...learningOf(model) };
 * const { effects } = describeStep(options);
 * console.log(schedule({ effects }).explain());
 * ```
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
  checkGiven(options);
  const { made, moved } = learning(() => options.loss(asTensor(batches.batch)));
  checkTerms(made);
  const { also = [], effects = [], ...terms } = made;
  const { loss } = terms;
  const surrogate = terms.surrogate === loss ? undefined : terms.surrogate;
  const minimization = minimize(surrogate ?? loss, model.parameters(), { ...options, also });
  const buffers = model.namedBuffers();
  checkTables(minimization.tables, buffers);
  const reported = scalarsOf(terms, minimization);
  const names = Object.keys(reported);
  const recorded = surrogate ? { ...reported, [SURROGATE]: surrogate } : reported;
  const columns = Object.keys(recorded);
  const history = variable('history', [HISTORY * columns.length]);
  const before = options.before && describePretraining(options.before, options, batches);
  const remember = (values: Readonly<Record<string, Tensor>>) => {
    const row = mulUint(modUint(step, HISTORY), columns.length);
    return columns.map((name, i) => store(history, addUint(row, i), values[name] ?? zeros([])));
  };
  const state = {
    ...minimization.state,
    ...prefixed('buffer', buffers),
    ...prefixed('state', Object.entries(terms.state ?? {})),
  };
  const held = new Set(Object.values(state));
  const beside = Object.entries(before?.step.state ?? {}).filter(([, own]) => !held.has(own));
  return {
    batches,
    step: minimization,
    trained: minimization,
    state: { ...state, ...prefixed('before', beside) },
    names,
    columns,
    watched: { loss, ...(surrogate && { [SURROGATE]: surrogate }) },
    advice: 'lower the learning rate or set clipNorm',
    history,
    decay: options.ema,
    effects: [
      ...minimization.effects,
      ...effects,
      ...movedBuffers(moved, minimization),
      ...remember(recorded),
    ],
    start: options.start?.(batches.batch) ?? [],
    before: before && { ...before, effects: [...before.effects, ...remember(before.scalars)] },
    pretrainingSteps: before?.steps ?? 0,
    tend: options.tend,
  };
}

const refused = (why: string) => new LatentGpuError('bad-config', why);

/** @throws LatentGpuError `bad-config` for a trainer that is not told how to learn */
function checkGiven({ model, loss, optimizer }: TrainerOptions): void {
  if (typeof model?.namedParameters !== 'function') {
    throw refused(
      `model is ${model}, and no nn.Module; extend nn.Module, with its parts as fields`,
    );
  }
  if (typeof loss !== 'function') {
    throw refused('a trainer lowers a loss, and none is given; add loss: ({ x }) => ({ loss: … })');
  }
  if (typeof optimizer?.update === 'function') return;
  if (optimizer) throw refused('optimizer is none; call what makes one: optim.adam({ lr: 1e-3 })');
  throw refused('a trainer takes an optimizer, and none is given; add optimizer: optim.adam()');
}

/** @throws LatentGpuError `bad-config` for a loss that gives no scalar by that name, or metrics that are none */
function checkTerms(made: LossTerms): void {
  if (!made?.loss) {
    throw refused(`loss() gives ${made}, and not { loss }; return { loss: a scalar }`);
  }
  for (const [name, value] of Object.entries(made.metrics ?? {})) {
    if (value?.size === 1 && value.rank === 0) continue;
    throw refused(`metric '${name}' is ${value}, no scalar; take its ops.mean`);
  }
}

/** What is reported of a step, in order. */
function scalarsOf(
  { loss, metrics = {} }: LossTerms,
  { gradientNorm, learningRate }: Minimization,
): Record<string, Tensor> {
  return { loss, ...metrics, gradientNorm, learningRate: add(learningRate, 0) };
}

/** Steps with moments of their own: a loss that has changed begins anew. */
function describePretraining(
  { epochs, loss, fit }: Pretraining,
  options: TrainerOptions,
  batches: Batches,
) {
  const { made, moved } = learning(() => loss(batches.batch));
  const { surrogate, effects = [], ...terms } = made;
  const { model, optimizer, groups, clipNorm, skipNorm, frozen } = options;
  const step = minimize(surrogate ?? terms.loss, model.parameters(), {
    optimizer,
    ...(groups && { groups }),
    ...(frozen && { frozen }),
    ...(clipNorm !== undefined && { clipNorm }),
    ...(skipNorm !== undefined && { skipNorm }),
  });
  return {
    steps: epochs * batches.perEpoch,
    effects: [...step.effects, ...effects, ...movedBuffers(moved, step)],
    scalars: scalarsOf(terms, step),
    loss: terms.loss,
    step,
    fit,
  };
}

/** Running statistics stay as they are where the parameters do. */
function movedBuffers(moved: Learning<unknown>['moved'], { usable }: Minimization): Tensor[] {
  return [...moved].map(([buffer, value]) => assign(buffer, where(usable, value, buffer)));
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
