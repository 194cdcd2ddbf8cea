// What a sampler asks of a model, whatever its kind.
import type { Computer } from './open.ts';

export interface CodesOptions {
  /** Of all random numbers; default 0. */
  readonly seed?: number;
  /** Stops the work. */
  readonly signal?: AbortSignal;
  /** Of a model of clusters: the one that codes are drawn from, counted from 0. Default: any, by their weights. */
  readonly cluster?: number;
  /** Of a flow: deviation of its noise; below 1 draws come from denser regions. Default: 1. */
  readonly temperature?: number;
  /** Of layers of codes: deviation of the noise of each, from the top down. Default: 1. */
  readonly temperatures?: readonly number[];
}

export interface DecodeOptions {
  /** Of all random numbers; default 0. */
  readonly seed?: number;
  /** Stops the work. */
  readonly signal?: AbortSignal;
  /** Draws from the decoder's distribution, not its means. */
  readonly draw?: boolean;
  /**
   * Of a conditional model: the class of all rows, or of each; by name, or counted from 0. `sample` takes
   * every class in turn unless told.
   */
  readonly label?: number | string | ArrayLike<number | string>;
}

export interface SampleOptions extends CodesOptions, DecodeOptions {}

/** What may be asked for, and of what. */
export interface Abilities {
  /** Numbers of a code, M; 0 of a model without codes. */
  readonly latent: number;
  /** Names of the classes that a conditional model is told. */
  readonly classes?: readonly string[];
  /** How many clusters its codes come from. */
  readonly clusters?: number;
  /** Numbers of each layer of codes, from the one beside the data. */
  readonly layers?: readonly number[];
  /** Whether the noise that it is drawn from may be scaled. */
  readonly hasTemperature?: boolean;
}

/** Draws and decodes; counts and codes are checked already, and that it is told only what it may be. */
export interface Painter {
  readonly abilities: Abilities;
  readonly backend: Computer;
  codes(count: number, options: CodesOptions): Promise<Float32Array>;
  sample(count: number, options: SampleOptions): Promise<Float32Array>;
  decode(codes: Float32Array, options: DecodeOptions): Promise<Float32Array>;
  destroy(): void;
}
