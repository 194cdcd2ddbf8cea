// What a run found, as JSON has it.
import type { Interval, Summary } from '../../../src/bench/statistics.ts';
import type { Backend } from '../engine.ts';

export interface EngineReport {
  /** `jax-js webgpu`; the label in tables. */
  readonly label: string;
  readonly peer: string;
  readonly backend: Backend;
  readonly version: string;
  /** Of its set-up. */
  readonly note?: string;
}

/** Of one repetition of the work, on average over all samples. */
export interface PerStep {
  readonly dispatches: number;
  readonly submissions: number;
  readonly buffers: number;
  readonly pipelines: number;
  readonly writes: number;
}

/** What an engine made of a row. */
export interface Cell {
  readonly label: string;
  /** `measured`; `absent`: the engine does not do this; `wrong`: not the reference's; `failed`. */
  readonly state: 'measured' | 'absent' | 'wrong' | 'failed';
  readonly reason?: string;
  /** In the row's unit; milliseconds of one repetition for timed rows. */
  readonly samples: readonly number[];
  readonly summary?: Summary;
  /** Repetitions a sample. */
  readonly repetitions?: number;
  /** The largest error, as a share of what is allowed. */
  readonly ofTolerance?: number;
  readonly perStep?: PerStep;
  /** Median over latentgpu's; above 1 it takes longer, or more. */
  readonly ratio?: Interval;
}

/** What is meant to be: the best peer on WebGPU over latentgpu, or latentgpu in the row's unit. */
export type RowAim = { readonly ratio: number } | { readonly most: number };

export interface RowReport {
  readonly row: number;
  readonly name: string;
  readonly unit: 'ms' | 'KiB' | 'MiB';
  readonly aim: RowAim;
  readonly cells: readonly Cell[];
}

export interface PeerReport {
  readonly date: string;
  readonly adapter: string;
  readonly browser: string;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    /** Processes that wanted a core, over a minute, before and after. */
    readonly load: readonly [number, number];
  };
  readonly secondsPerCell: number;
  readonly engines: readonly EngineReport[];
  readonly rows: readonly RowReport[];
}

export const SELF = 'latentgpu webgpu';
export const AGAIN = 'latentgpu again';
/** This library's small runtime where there is no WebGPU, and how many times the fastest peer's time it may take. */
export const FALLBACK = 'latentgpu wasm';
export const FALLBACK_AIM = 1.5;
