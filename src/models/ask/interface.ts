// What can be asked of a model at work, in the same words of every model.
import type { Runtime } from '../../scheduler/index.ts';
import type { Model } from '../model.ts';
import type { Rows, WorkOptions } from './rows.ts';
import type { ToldOptions } from './told-columns.ts';

/** What a decoded row is shown as: its mean, or a draw. */
export type Shown = 'mean' | 'draw';

export interface InferenceOptions {
  /**
   * Number of the first stream of noise that has none of its own. Models whose numbers differ draw
   * independently by one seed. Default: 1024.
   */
  readonly firstStream?: number;
}

/** Codes, [count, M], and log standard deviations where codes have any in closed form. */
export interface Codes {
  readonly mean: Float32Array;
  readonly logStd: Float32Array | undefined;
  /** Coordinates along principal axes, where codes belong to such. */
  readonly components?: Float32Array | undefined;
}

export interface DecodeOptions extends WorkOptions, ToldOptions {
  /** Of a conditional model: the class of each row. Default: those of data rows; else none is known. */
  readonly labels?: ArrayLike<number>;
}

export interface DrawOptions extends DecodeOptions {
  /** Of models whose noise may be scaled: below 1, draws come from denser regions. Default: 1. */
  readonly temperature?: number;
  /** Of models of several layers of codes: the deviation of each layer's noise, from the top down. */
  readonly temperatures?: readonly number[];
  /** Of models whose codes come from groups: the group of each row, [count]. */
  readonly groups?: ArrayLike<number>;
  /** Default: every class in turn. */
  readonly labels?: ArrayLike<number>;
}

/** @throws LatentGpuError `bad-input` for what the model cannot do */
export interface Asked {
  readonly model: Model;
  readonly runtime: Runtime;
  /** Codes of data rows [count, D]. */
  encode(x: Rows, count: number, options?: WorkOptions): Promise<Codes>;
  /** One draw of q(z | x) for each data row [count, D]: [count, M]. */
  drawCodes(
    x: Rows,
    count: number,
    drawSeed?: number,
    options?: WorkOptions,
  ): Promise<Float32Array>;
  /** Data rows [count, D] for codes [count, M]. */
  decode(
    z: Rows,
    count: number,
    shown?: Shown,
    drawSeed?: number,
    options?: DecodeOptions,
  ): Promise<Float32Array>;
  /** Decoded codes of data rows [count, D], as what they are or as rows of other classes. */
  reconstruct(
    x: Rows,
    count: number,
    shown?: Shown,
    drawSeed?: number,
    options?: DecodeOptions,
  ): Promise<Float32Array>;
  /** Data rows [count, D] decoded from draws of the prior. */
  sample(
    count: number,
    shown?: Shown,
    drawSeed?: number,
    options?: DrawOptions,
  ): Promise<Float32Array>;
  /** Frees the plans and their inputs; the model's parameters stay. */
  destroy(): Promise<void>;
}
