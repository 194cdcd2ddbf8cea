// Whether a graph is a step of training: layers that learn from what they see (running statistics) then
// take it of the batch, and leave behind what they have seen.
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';

/** What buffers are to be after the step that is being described; undefined: none is. */
let seen: Map<Variable, Tensor> | undefined;

export interface Learning<T> {
  readonly made: T;
  /** Buffers that layers have moved, and their values after the step. */
  readonly moved: ReadonlyMap<Variable, Tensor>;
}

/**
 * What is described as a step of training. Outside of this a layer is as it is in evaluation.
 *
 * ```ts
 * const { made: loss, moved } = nn.learning(() => lossOf(batch));
 * const effects = [...moved].map(([buffer, value]) => ops.assign(buffer, value));
 * ```
 */
export function learning<T>(describe: () => T): Learning<T> {
  const before = seen;
  const moved = new Map<Variable, Tensor>();
  seen = moved;
  try {
    return { made: describe(), moved };
  } finally {
    seen = before;
  }
}

/**
 * Whether what is described is a step of training, in which buffers move.
 *
 * @example nn.isLearning() // false
 */
export const isLearning = (): boolean => seen !== undefined;

/** Has a buffer be moved at the end of the step: once more, if the step has moved it already. */
export function moves(buffer: Variable, next: (old: Tensor) => Tensor): void {
  seen?.set(buffer, next(seen.get(buffer) ?? buffer));
}
