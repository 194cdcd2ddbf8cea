// Noise of programs, row after row as the engine draws it.
import { logisticFromBits } from '../../ops/reference/logistic.ts';
import { sizeOf } from '../network.ts';
import { type FromBits, fillRow, gumbel, normal, uniform } from '../noise.ts';
import type { Streams } from './format.ts';
import type { Node } from './nodes.ts';

export const KINDS: Readonly<Record<string, FromBits>> = {
  normal,
  uniform,
  gumbel,
  logistic: (...bits) => bits.map(logisticFromBits),
};

/** Noise of a node, [rows, ...], at a step of those that its rows take. */
export type Noise = (
  node: Node,
  place: number,
  shape: readonly number[],
  step: number,
) => Float32Array;

/**
 * @param first of the rows among all that a seed is asked for
 * @param block rows of which each has its own place in a step
 * @param stride steps that a block takes
 */
export function noiseOf(
  key: readonly [number, number],
  streams: Streams,
  { first, block, stride }: { first: number; block: number; stride: number },
): Noise {
  const own = new Map(streams);
  return ({ rest: [kind], shape: open }, node, shape, step) => {
    const axis = open.findIndex((extent) => extent < 0);
    const rows = shape[axis]! / -open[axis]!;
    const out = new Float32Array(sizeOf(shape));
    const each = out.length / rows;
    // Rows themselves are the line where each has one number.
    const width = each === 1 ? 1 : shape.findLast((extent) => extent !== 1)!;
    for (let i = 0; i < rows; i++) {
      const row = first + i;
      const source = {
        key,
        stream: own.get(node)!,
        step: Math.floor(row / block) * stride + step,
        place: row % block,
      };
      const part = out.subarray(i * each, (i + 1) * each);
      fillRow(part, KINDS[kind!]!, source, each / width, width);
    }
    return out;
  };
}
