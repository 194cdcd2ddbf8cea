// What computes a decoder: the visitor's GPU, or plain JavaScript.
import type { Computer } from './open.ts';

/** Takes rows of the decoder's outputs, `stride` floats apart; it is done with them when it resolves. */
export type Sink = (
  rows: Float32Array,
  stride: number,
  first: number,
  count: number,
) => Promise<void>;

export interface Backend extends Computer {
  /**
   * Decodes codes [count, M], in order.
   *
   * @param raw all numbers that the decoder gives for a row; else the D means
   */
  decode(codes: Float32Array, count: number, raw: boolean, sink: Sink): Promise<void>;
}
