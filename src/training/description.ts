// What a trainer has to know of a run, whichever way the model learns; made without a device.
import type { ImageDataset } from '../data/dataset.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import type { Batch, Module } from '../nn/index.ts';
import type { TuneMode, TuneOptions, Tuner } from '../tuning/index.ts';
import type { Batches } from './batches.ts';
import type { Binarization } from './binarize.ts';
import type { StateVariables } from './state.ts';

/** What every run is given. */
export interface RunData {
  readonly model: Module;
  /** What is done once with the first batch, before the first step: a start from data. */
  readonly start?: (batch: Batch) => readonly Tensor[];
  readonly data: ImageDataset;
  readonly batch: number;
  /** Default: `none`. */
  readonly binarize?: Binarization;
  /** The share of the data's values that are replaced at random in every step: of a background model. */
  readonly noise?: number;
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

export interface Description {
  readonly batches: Batches;
  /** What a step does. */
  readonly effects: readonly Tensor[];
  readonly trained: {
    /** All parameters end to end. */
    readonly parameters: Variable;
    /** Buffers that learn as well. */
    readonly tables: readonly Variable[];
  };
  /** Everything a checkpoint has to hold to continue bit for bit, by name. */
  readonly state: StateVariables;
  /** What is reported, in order. */
  readonly names: readonly string[];
  /** What is recorded: the same, and what is only watched. */
  readonly columns: readonly string[];
  /** Recorded scalars that have to be finite, by column. */
  readonly watched: Readonly<Record<string, Tensor>>;
  /** What to do where they are not. */
  readonly advice: string;
  /** Steps at the beginning that lower another loss, of which nothing is to be judged. */
  readonly pretrainingSteps?: number;
  /** Done once, before the first step. */
  readonly start: readonly Tensor[];
}

export function prefixed(
  prefix: string,
  variables: readonly (readonly [string, Variable])[],
): Record<string, Variable> {
  return Object.fromEntries(variables.map(([name, held]) => [`${prefix}.${name}`, held]));
}
