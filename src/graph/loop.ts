// Loops within a step: legs that the scheduler replays once their inputs lie in memory.
import { FIRST_UNNAMED_STREAM } from '../streams.ts';
import type { Tensor } from './tensor.ts';
import { topological, withStreams } from './traverse.ts';
import type { Variable } from './variable.ts';

/** Assignments that are replayed so many times. */
export interface Leg {
  readonly effects: readonly Tensor[];
  readonly times: number;
}

/** What a node of kind `loop` carries. */
export interface Loop {
  /** One after the other; those with the same list of effects are planned once. */
  readonly legs: readonly Leg[];
  /** Where each input has to lie before the first leg; undefined: it has only to be done. */
  readonly memory: readonly (Variable | undefined)[];
  /** Variables of its own, zeros before the first step: each plan has them for itself. */
  readonly own: readonly Variable[];
  /** What the node stands for afterwards: of variables, of the node's shape. */
  readonly value: Tensor;
}

/** The loop of a node of kind `loop`. */
export const loopOf = (node: Tensor): Loop => node.attrs.loop as Loop;

/**
 * The random stream of each draw within the legs of loops, by its number: after those of the graph around them. Legs
 * that make a step again draw again what it drew.
 *
 * @param order of the whole step
 */
export function streamsInLoops(order: readonly Tensor[]): Map<unknown, number> {
  const first = FIRST_UNNAMED_STREAM + order.filter(isUnnamedNoise).length;
  const streams = new Map<unknown, number>();
  for (const node of order.filter(({ op }) => op.kind === 'loop')) {
    for (const { effects } of loopOf(node).legs) {
      for (const { attrs } of topological(effects).filter(isUnnamedNoise)) {
        if (!streams.has(attrs.draw)) streams.set(attrs.draw, first + streams.size);
      }
    }
  }
  return streams;
}

const isUnnamedNoise = ({ op, attrs }: Tensor): boolean =>
  op.kind === 'noise' && attrs.stream === undefined;

/** The same tensors, with draws of the streams that {@link streamsInLoops} gives them. */
export function inStreams(
  roots: readonly Tensor[],
  streams: ReadonlyMap<unknown, number>,
): readonly Tensor[] {
  if (streams.size === 0) return roots;
  const order = topological(roots);
  const own = order.flatMap((node): [Tensor, number][] => {
    const stream = isUnnamedNoise(node) ? streams.get(node.attrs.draw) : undefined;
    return stream === undefined ? [] : [[node, stream]];
  });
  if (own.length === 0) return roots;
  const made = withStreams(order, new Map(own));
  return roots.map((root) => made.get(root) as Tensor);
}
