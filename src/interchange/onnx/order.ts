// Running folds and orders of lines composed of ops: each element beside each other, N² of them, which lines of a
// model that is written down can afford.
import type { Tensor } from '../../graph/tensor.ts';
import { moved } from '../../ops/cum-prod.ts';
import {
  add,
  equal,
  equalUint,
  greater,
  greaterEqual,
  iota,
  less,
  lessEqual,
  logSumExp,
  mul,
  reshape,
  sum,
  toFloat,
  toUint,
  transpose,
  unsqueeze,
  where,
} from '../../ops/index.ts';

interface ScanAttributes {
  readonly axis: number;
  readonly reverse: boolean;
  readonly exclusive: boolean;
}

const placesOf = (count: number): Tensor => toFloat(iota(count));

/** The same along the last axis, which is another's of what is given. */
function along(axis: number, x: Tensor, of: (lines: Tensor) => Tensor): Tensor {
  if (axis === x.rank - 1) return of(x);
  const order = x.shape.map((_, i) => (i === axis ? x.rank - 1 : i === x.rank - 1 ? axis : i));
  return transpose(of(transpose(x, order)), order);
}

/** A fold over those that come before each, as its place in the line says. */
const running =
  (fold: (terms: Tensor, axis: number) => Tensor, nothing: number) =>
  ([x]: readonly Tensor[], node: Tensor): Tensor => {
    const { axis, reverse, exclusive } = node.attrs as unknown as ScanAttributes;
    const compare = exclusive ? (reverse ? greater : less) : reverse ? greaterEqual : lessEqual;
    return along(axis, x as Tensor, (lines) => {
      const places = placesOf(lines.shape.at(-1) as number);
      const isBefore = compare(unsqueeze(places, 1), places);
      return fold(where(isBefore, unsqueeze(lines, -1), nothing), -2);
    });
  };

/** Products of twice as many at each of log N passes. */
function products([x]: readonly Tensor[], node: Tensor): Tensor {
  const { axis, reverse } = node.attrs as unknown as ScanAttributes;
  let product = x as Tensor;
  for (let by = 1; by < (node.shape[axis] as number); by *= 2) {
    product = mul(product, moved(product, axis, by, !reverse, 1));
  }
  return product;
}

/** As many come before an element as are before it in the order, or equal and before it in the line. */
function order([x]: readonly Tensor[], node: Tensor): Tensor {
  const [n, count] = [(x as Tensor).shape.at(-1) as number, node.shape.at(-1) as number];
  const places = placesOf(n);
  const [mine, theirs] = [unsqueeze(x as Tensor, -1), unsqueeze(x as Tensor, -2)];
  const isTieBefore = mul(equal(theirs, mine), less(places, reshape(places, [n, 1])));
  const isBefore = (node.attrs.descending ? greater : less)(theirs, mine);
  const rank = sum(add(isBefore, isTieBefore), -1);
  const chosen = equal(unsqueeze(rank, -2), reshape(placesOf(count), [count, 1]));
  return toUint(sum(mul(chosen, places), -1));
}

const taken = ([x, index]: readonly Tensor[]): Tensor => {
  const places = iota((x as Tensor).shape.at(-1) as number);
  const chosen = equalUint(unsqueeze(index as Tensor, -1), places);
  return sum(where(chosen, unsqueeze(x as Tensor, -2), 0), -1);
};

export const ORDERED = {
  cumSum: running(sum, 0),
  cumProd: products,
  logCumSumExp: running(logSumExp, -1e30),
  argSort: order,
  takeLines: taken,
};
