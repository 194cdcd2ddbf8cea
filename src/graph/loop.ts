// Loops within a step: legs that the scheduler replays once their inputs lie in memory.
import type { Tensor } from './tensor.ts';
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
