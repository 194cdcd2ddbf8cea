// Long reductions and skinny products, cut so that the whole machine works on them.
import { termsOf, windowsOf } from '../../graph/products.ts';
import { type Shape, sizeOf } from '../../graph/shape.ts';
import { opNamed, Tensor } from '../../graph/tensor.ts';
import { type Access, accessOf } from './access.ts';
import type { AdapterClass } from './adapter.ts';
import { operandOf } from './operand.ts';
import { reshaped, type Unique } from './unique.ts';

/** Elements one invocation (software) or workgroup (GPU) folds at least, once a reduction is split. */
const REDUCTION_CHUNK = 4096;

/**
 * A reduction of few, long rows is done in two stages, so that the whole machine works on it.
 *
 * @param isKept whether what it folds is in memory for others, too
 */
export function splitReduction(
  node: Tensor,
  isKept: boolean,
  unique: Unique,
  adapter: AdapterClass,
): Tensor {
  let x = node.inputs[0] as Tensor;
  const rows = node.size;
  const length = x.size / rows;
  const wanted = adapter.isSoftware ? 64 : 512;
  // A quad takes a turn, and one with noise in it eleven.
  const needed = adapter.loopTurns ? Math.ceil(length / (adapter.loopTurns / 4)) : 1;
  const useful = Math.min(Math.floor(length / REDUCTION_CHUNK), Math.ceil(wanted / rows), 256);
  const splits = Math.max(useful, needed);
  if (splits < 2) return node;
  if (x.op.kind === 'elementwise' && !isKept) {
    // Computed again for the fold alone: cheaper than to keep what another kernel computes too.
    // The mark keeps it from being merged with its original.
    x = new Tensor(x.op, x.inputs, x.shape, x.dtype, { ...x.attrs, again: true }, x.name);
  }
  const kept = x.shape.filter((_, axis) => !(node.attrs.axes as number[]).includes(axis));
  const partial = unique(
    new Tensor(node.op, [x], [...kept, splits], node.dtype, { ...node.attrs, splits }, node.name),
  );
  const over = [kept.length];
  const total = unique(new Tensor(node.op, [partial], [...kept, 1], node.dtype, { axes: over }));
  return reshaped(total, node.shape, unique);
}

/**
 * Into how many parts the inner extent of a product is cut. Worth it when the output alone cannot
 * occupy a GPU's multiprocessors; a software adapter has too few cores to gain.
 */
export function productSplits(node: Tensor, adapter: AdapterClass): number {
  const [m, n] = node.shape.slice(-2) as [number, number];
  // Places are cut into parts, taps are not.
  if (windowsOf(node)?.side === 0) return 1;
  const k = termsOf(node);
  const tiles = sizeOf(node.shape.slice(0, -2)) * Math.ceil(m / 64) * Math.ceil(n / 64);
  const wanted = adapter.isSoftware ? 2 : 64;
  // A quad of terms takes a turn, and one more where they are added up as well.
  const needed = adapter.loopTurns ? k / 2 / adapter.loopTurns : 1;
  if (needed > 1) return divisorFrom(Math.ceil(needed), k);
  if (tiles * 2 > wanted || k < 2048) return 1;
  let splits = Math.min(Math.floor(wanted / tiles), Math.floor(k / 512));
  while (splits > 1 && k % splits !== 0) splits--;
  return splits;
}

/** The least divisor of a number from `least` on; 1 where it is far from there. */
function divisorFrom(least: number, of: number): number {
  let divisor = least;
  while (of % divisor !== 0) divisor++;
  return divisor <= 16 * least ? divisor : 1;
}

/** A·B as Σₛ AₛBₛ over consecutive parts of the inner extent: a batched product and a sum. */
export function splitProduct(node: Tensor, splits: number, unique: Unique): Tensor {
  const [a, b] = node.inputs as [Tensor, Tensor];
  const isWindowed = windowsOf(node) !== undefined;
  const k = a.shape.at(-1) as number;
  const part = k / splits;
  const split = opNamed('reshape');
  const lead = (x: Tensor, axis: number, shape: Shape): Tensor => {
    const cut = unique(new Tensor(split, [x], shape, x.dtype));
    const order = cut.shape.map((_, i) => i);
    order.splice(axis, 1);
    order.unshift(axis);
    return unique(
      new Tensor(
        opNamed('transpose'),
        [cut],
        order.map((i) => cut.shape[i] as number),
        x.dtype,
        { order },
      ),
    );
  };
  const left = lead(a, a.rank - 1, [...a.shape.slice(0, -1), splits, part]);
  const right = isWindowed
    ? b
    : lead(b, b.rank - 2, [...b.shape.slice(0, -2), splits, part, b.shape.at(-1) as number]);
  // Ranks differ where one operand broadcasts over the batch: give both the node's own rank.
  const rank = node.rank + 1;
  const full = (x: Tensor): Tensor =>
    x.rank === rank
      ? x
      : unique(
          new Tensor(
            split,
            [x],
            [
              x.shape[0] as number,
              ...new Array<number>(rank - x.rank).fill(1),
              ...x.shape.slice(1),
            ],
            x.dtype,
          ),
        );
  const operands = [full(left), isWindowed ? right : full(right)].map((x) =>
    accessOf(x) ? x : undefined,
  );
  if (operands.some((x) => x === undefined)) return node;
  const attrs = isWindowed ? { ...node.attrs, terms: part } : {};
  const partial = unique(
    new Tensor(node.op, operands as Tensor[], [splits, ...node.shape], 'f32', attrs, node.name),
  );
  const fits = operands.every(
    (x, i) =>
      (isWindowed && i === 1) ||
      operandOf(accessOf(x as Tensor) as Access, partial.shape.slice(0, -2), i === 1),
  );
  if (!fits) return node;
  const total = unique(
    new Tensor(opNamed('sum'), [partial], [1, ...node.shape], 'f32', { axes: [0] }),
  );
  return reshaped(total, node.shape, unique);
}
