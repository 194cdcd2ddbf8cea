// What a net is told beside its input, added to what its first layer makes of that.
import type { Tensor } from '../../graph/tensor.ts';
import { add, reshape } from '../../ops/index.ts';

/**
 * [n, …, C] of rows with these axes in front, and what is added to each of their pixels or steps, [..., C], which
 * may have more axes in front: [rows, …, C], and those axes.
 */
export function beside(
  y: Tensor,
  lead: readonly number[],
  more: Tensor | undefined,
): readonly [rows: Tensor, lead: readonly number[]] {
  if (!more) return [y, lead];
  const each = y.shape.slice(1);
  const places = each.slice(1).map(() => 1);
  const told = reshape(more, [...more.shape.slice(0, -1), ...places, each.at(-1) as number]);
  const sum = add(reshape(y, [...lead, ...each]), told);
  return [reshape(sum, [-1, ...each]), sum.shape.slice(0, -each.length)];
}
