// How a model learns: by the gradient of a loss, a batch at a time, or by passes over the data that add
// statistics up and are settled (EM, closed forms).
import type { Live } from '../graph/live.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import type { Batch, Module } from '../nn/index.ts';
import type { LossTerms } from '../optim/index.ts';
import type { Runtime } from '../scheduler/index.ts';

/** The rows that are trained on, as the model sees them. */
export interface TrainingRows {
  readonly count: number;
  /** Rows `start` to `end`, [end - start, D]. */
  readonly rows: (start: number, end: number) => Float32Array;
  /** The same of data with holes: 1 where a value is known, 0 where it is missing. */
  readonly mask?: (start: number, end: number) => ArrayLike<number>;
}

interface Beginning {
  /** What is done once with the first batch, before the first step: a start from data. */
  start?(batch: Batch): readonly Tensor[];
  /**
   * Initial values that the host finds in all of the data, in place of those that variables give
   * themselves.
   *
   * @throws LatentGpuError `bad-data`, `bad-config` for data from which the model cannot be learned
   */
  initial?(data: TrainingRows, seed: number): ReadonlyMap<Variable, Float32Array>;
}

export interface GradientLearner extends Beginning {
  loss(batch: Batch): LossTerms;
  /** What comes first in the same run. */
  readonly before?: Pretraining;
  /**
   * What the host does at the end of each pass, pretraining's excepted: a function of what it reads of the
   * runtime's variables alone, which belong to the model or to the loss's `state`.
   */
  readonly tend?: (runtime: Runtime) => Promise<void>;
  /** Variational EM: q's parameters and p's, which may take turns. */
  readonly turns?: { readonly e: readonly Variable[]; readonly m: readonly Variable[] };
  /** Numbers that may change while a plan is replayed, by their keys. */
  readonly live?: Readonly<Record<string, Live>>;
}

/** The first passes of a run: they lower another loss, and something is fitted to what comes of it. */
export interface Pretraining {
  /** Passes over the data; 0: nothing but the fit. */
  readonly epochs: number;
  /** The key that says so, for messages. */
  readonly key: string;
  /** What metrics it has in common with the learner's own are recorded; of the others, 0. */
  loss(batch: Batch): LossTerms;
  readonly fit?: Fitting;
}

/** A model of numbers of each row, fitted by passes over them; it ends a pretraining. */
export interface Fitting {
  /** The numbers, [B, M]. */
  of(batch: Batch): Tensor;
  readonly by: Module & { readonly learner: SweepLearner };
  /**
   * Its parameters to begin with, found in the data, grey where they are drawn as 0 or 1, and their numbers [N, M].
   * Default: as its learner says.
   */
  begin?(
    data: TrainingRows,
    numbers: Float32Array,
    seed: number,
  ): Promise<ReadonlyMap<Variable, Float32Array>>;
  /** Rows of a step, and passes at most. 0: it stays as it began. */
  readonly batch: number;
  readonly passes: number;
  /** Writes what follows from the parameters that it has found into the whole model's. */
  take(found: (parameter: Variable) => Float32Array, runtime: Runtime): Promise<void>;
}

export interface SweepLearner extends Beginning {
  readonly sweep: Sweep;
}

export type Learner = GradientLearner | SweepLearner;

/** A pass over the data that adds statistics up, and what ends it. */
export interface Sweep {
  /**
   * Effects that add a batch's statistics to variables. Described twice where rows are left over at the
   * end of a pass: for `batch` rows, and for those.
   */
  readonly gather: (batch: Batch) => readonly Tensor[];
  /**
   * What ends a pass: effects on the GPU, or work of the host, in float64 say, a function of what it
   * reads of the runtime's variables alone. It also empties the statistics for the next pass.
   */
  readonly settle: readonly Tensor[] | ((runtime: Runtime) => Promise<void>);
  /** Scalars of the statistics of a pass, taken before it is settled. One called `loss` is watched. */
  readonly metrics?: Readonly<Record<string, Tensor>>;
  /** Variables that a run could not go on without, by name, beside those that effects write. */
  readonly state?: Readonly<Record<string, Variable>>;
  /**
   * Whether batches are drawn anew every pass, as a gradient's are, and rows that fill none are left
   * out; else they come in the order of the data, and every row counts once.
   */
  readonly isShuffled?: boolean;
  /** Scalar: above 0 once another pass would change nothing. The run then ends. It is part of the state. */
  readonly converged?: Variable;
}
