// Equal numbers among indices.
import type { Tensor } from '../graph/tensor.ts';
import { equalUint, iota, max, neg, reshape, toFloat, toUint, where } from '../ops/index.ts';

/** Of each index the place where it comes first: unsigned [B]. */
export function firstOf(index: Tensor): Tensor {
  const count = index.size;
  const same = equalUint(reshape(index, [count, 1]), reshape(index, [1, count]));
  const places = reshape(toFloat(iota(count)), [1, count]);
  return toUint(neg(max(where(same, neg(places), -count), -1)));
}
