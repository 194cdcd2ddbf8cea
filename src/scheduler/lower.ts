// From the graph as written to the graph as run: duplicates merged, views made readable, long
// reductions and skinny products split, parts of a concatenation made ready to be written in place.
import { contiguousStrides, type Shape, sizeOf } from '../graph/shape.ts';
import { opNamed, Tensor } from '../graph/tensor.ts';
import { numberStreams, topological } from '../graph/traverse.ts';
import { isHalf, isVariable } from '../graph/variable.ts';
import { type Access, accessOf, isPacked, isWhole } from './access.ts';
import type { AdapterClass } from './adapter.ts';
import { entangledEffects, variablesRead } from './effects.ts';

export interface Lowered {
  /** Nodes that the roots need, inputs first. */
  readonly nodes: Tensor[];
  /** The lowered form of each root, in the order given. */
  readonly roots: Tensor[];
}

export function lower(roots: readonly Tensor[], adapter: AdapterClass): Lowered {
  const unique = newUnique();
  const isEntangled = entangledEffects(roots);
  let copies = 0;
  const context = { adapter, unique, nextCopy: () => copies++ };
  const readable = transform(roots, unique, (node, original) =>
    rewrite(node, isEntangled(original), context),
  );
  // Only now is it known who reads what: equal nodes have become one.
  const order = topological(readable);
  const users = userCounts(order, readable);
  const readWhole = new Set(
    order
      .filter((node) => node.op.kind === 'kernel')
      .flatMap((node) => node.inputs.map((x) => (accessOf(x) as Access).base)),
  );
  const claimed = new Set<Tensor>();
  const newRoots = transform(readable, unique, (node, original) =>
    node.op.kind === 'concat'
      ? lowerConcat(node, original, { unique, claimed, users, readWhole })
      : node,
  );
  return { nodes: topological(newRoots), roots: newRoots };
}

type Unique = (node: Tensor) => Tensor;

/** The roots of a graph in which every node has been replaced, inputs first. */
function transform(
  roots: readonly Tensor[],
  unique: Unique,
  replace: (node: Tensor, original: Tensor) => Tensor,
): Tensor[] {
  const order = topological(roots);
  const streams = numberStreams(order);
  const lowered = new Map<Tensor, Tensor>();
  for (const node of order) {
    if (node.inputs.length === 0) {
      lowered.set(node, isVariable(node) ? node : unique(node));
      continue;
    }
    const inputs = node.inputs.map((x) => lowered.get(x) as Tensor);
    const stream = streams.get(node);
    const attrs = stream === undefined ? node.attrs : { stream };
    const same = stream === undefined && inputs.every((x, i) => x === node.inputs[i]);
    const renewed = same
      ? node
      : new Tensor(node.op, inputs, node.shape, node.dtype, attrs, node.name);
    lowered.set(node, replace(unique(renewed), node));
  }
  return roots.map((root) => lowered.get(root) as Tensor);
}

interface Context {
  readonly adapter: AdapterClass;
  /** The node itself, or an equal one made before. */
  readonly unique: Unique;
  /** A number that no other copy has. */
  readonly nextCopy: () => number;
}

interface ConcatContext {
  readonly unique: Unique;
  /** Nodes that already live inside a concatenation's memory. */
  readonly claimed: Set<Tensor>;
  /** How many nodes use a node directly; a root counts as one more. */
  readonly users: ReadonlyMap<Tensor, number>;
  /** What shaders of their own read, from memory that starts with it. */
  readonly readWhole: ReadonlySet<Tensor>;
}

/** How many nodes of a graph use a node directly; a root counts as one more. */
function userCounts(order: readonly Tensor[], roots: readonly Tensor[]): Map<Tensor, number> {
  const users = new Map<Tensor, number>();
  for (const x of [...order.flatMap((node) => node.inputs), ...roots]) {
    users.set(x, (users.get(x) ?? 0) + 1);
  }
  return users;
}

/** Gives the node itself, or an equal one made before. */
function newUnique(): Unique {
  const seen = new Map<string, Tensor>();
  return (node) => {
    const key = keyOf(node);
    const twin = seen.get(key);
    if (twin) return twin;
    seen.set(key, node);
    return node;
  };
}

const variableKey = (value: unknown): unknown => (value instanceof Tensor ? `#${value.id}` : value);

function keyOf(node: Tensor): string {
  const attrs = JSON.stringify(node.attrs, (_, value) => variableKey(value));
  return `${node.op.name}|${node.dtype}|${node.shape}|${attrs}|${node.inputs.map((x) => x.id)}`;
}

function rewrite(node: Tensor, isEntangled: boolean, context: Context): Tensor {
  switch (node.op.kind) {
    case 'view':
      return readable(node, context.unique);
    case 'reduce':
      return splitReduction(node, context);
    case 'matmul':
      return lowerProduct(node, context);
    case 'gather':
      return lowerGather(node, context.unique);
    case 'kernel':
      return lowerKernel(node, context.unique);
    case 'assign':
      return isEntangled ? withCopies(node, context.unique) : node;
    case 'store': {
      const store = isEntangled ? withCopies(node, context.unique) : node;
      return withOwnIndex(store, context.nextCopy());
    }
    default:
      return node;
  }
}

/** A kernel's copy of a tensor, in row-major order. */
function copyOf(x: Tensor, unique: Unique): Tensor {
  return unique(
    new Tensor(opNamed('copy'), [x], x.shape, x.dtype === 'u8' ? 'f32' : x.dtype, {}, x.name),
  );
}

/** Rows can only be picked from a table that lies in memory. */
function lowerGather(node: Tensor, unique: Unique): Tensor {
  const [table, index] = node.inputs as [Tensor, Tensor];
  if (!isVirtual(accessOf(table)?.base as Tensor)) return node;
  const inputs = [copyOf(table, unique), index];
  return unique(new Tensor(node.op, inputs, node.shape, node.dtype, node.attrs, node.name));
}

/** A shader of its own reads row-major memory. */
function lowerKernel(node: Tensor, unique: Unique): Tensor {
  const isRead = (x: Tensor) => {
    const access = accessOf(x);
    if (access === undefined || isPacked(access.base)) return false;
    return isWhole(access) && !isVirtual(access.base);
  };
  if (node.inputs.every(isRead)) return node;
  const inputs = node.inputs.map((x) => (isRead(x) ? x : copyOf(x, unique)));
  return unique(new Tensor(node.op, inputs, node.shape, node.dtype, node.attrs, node.name));
}

/** An effect that reads copies of variables. */
function withCopies(effect: Tensor, unique: Unique): Tensor {
  const own = new Set(variablesRead(effect).map(({ input }) => input));
  const inputs = effect.inputs.map((x) => (own.has(x) ? copyOf(x, unique) : x));
  return new Tensor(effect.op, inputs, effect.shape, effect.dtype, effect.attrs, effect.name);
}

/**
 * A store that computes its index for itself, from numbers in memory: to have it from another kernel
 * would mean to wait for that.
 */
function withOwnIndex(store: Tensor, copy: number): Tensor {
  const own = (x: Tensor): Tensor =>
    x.op.kind === 'elementwise' && x.size === 1
      ? new Tensor(x.op, x.inputs.map(own), x.shape, x.dtype, { ...x.attrs, copy }, x.name)
      : x;
  const [value, index] = store.inputs as [Tensor, Tensor];
  const inputs = [value, own(index)];
  return new Tensor(store.op, inputs, store.shape, store.dtype, store.attrs, store.name);
}

/** The part of a concatenation that a slice cuts out again, whole. */
function partCut(node: Tensor): Tensor | undefined {
  const [whole] = node.inputs as [Tensor];
  const { axis, start } = node.attrs;
  if (node.op.name !== 'slice' || whole.op.kind !== 'concat' || whole.attrs.axis !== axis) return;
  let at = 0;
  return whole.inputs.find((part) => {
    const extent = part.shape[axis as number] as number;
    at += extent;
    return at - extent === start && extent === node.shape[axis as number];
  });
}

function readable(node: Tensor, unique: Unique): Tensor {
  const part = partCut(node);
  if (part) return part;
  if (accessOf(node)) return node;
  const copy = copyOf(node.inputs[0] as Tensor, unique);
  return unique(new Tensor(node.op, [copy], node.shape, node.dtype, node.attrs, node.name));
}

function reshaped(x: Tensor, shape: Shape, unique: Unique): Tensor {
  return unique(new Tensor(opNamed('reshape'), [x], shape, x.dtype));
}

/** Elements one invocation (software) or workgroup (GPU) folds at least, once a reduction is split. */
const REDUCTION_CHUNK = 4096;

/** A reduction of few, long rows is done in two stages, so that the whole machine works on it. */
function splitReduction(node: Tensor, { unique, adapter }: Context): Tensor {
  let x = node.inputs[0] as Tensor;
  const rows = node.size;
  const length = x.size / rows;
  const wanted = adapter.isSoftware ? 64 : 512;
  const splits = Math.min(Math.floor(length / REDUCTION_CHUNK), Math.ceil(wanted / rows), 256);
  if (splits < 2) return node;
  if (x.op.kind === 'elementwise') {
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

/** What a product kernel can read: rows or columns with unit stride, one stride over the batch. */
export interface Operand {
  readonly base: Tensor;
  readonly transposed: boolean;
  readonly ld: number;
  readonly offset: number;
  readonly batchStride: number;
}

/**
 * The operand of a product as its kernel reads it, or undefined if it has to be copied first.
 *
 * @param isRight it may be kept as halves, as the weights of a layer are
 */
export function operandOf(access: Access, batch: Shape, isRight = false): Operand | undefined {
  const operand = stridedOperand(access, batch);
  if (!operand || !isHalf(access.base)) return operand;
  const { ld, offset, batchStride } = operand;
  const inQuads = [ld, offset, batchStride].every((count) => count % 4 === 0);
  return isRight && inQuads ? operand : undefined;
}

function stridedOperand(access: Access, batch: Shape): Operand | undefined {
  const rank = access.shape.length;
  const lead = batch.length - (rank - 2);
  let batchStride = 0;
  let expected: number | undefined;
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    const extent = batch[axis] as number;
    if (extent === 1) continue;
    const stride = axis < lead ? 0 : (access.strides[axis - lead] as number);
    if (expected === undefined) batchStride = stride;
    else if (stride !== expected) return undefined;
    expected = stride * extent;
  }
  const [rows, columns] = access.shape.slice(-2) as [number, number];
  const [rowStride, columnStride] = access.strides.slice(-2) as [number, number];
  const shared = { base: access.base, offset: access.offset, batchStride };
  if (access.base.dtype !== 'f32' || isVirtual(access.base)) return undefined;
  if (columnStride === 1 || columns === 1) {
    if (rows > 1 && rowStride < columns) return undefined;
    if (columns > 1 || rowStride === 1 || rows === 1) {
      return { ...shared, transposed: false, ld: rows === 1 ? columns : rowStride };
    }
  }
  if (rowStride === 1 || rows === 1) {
    if (columns > 1 && columnStride < rows) return undefined;
    return { ...shared, transposed: true, ld: columns === 1 ? rows : columnStride };
  }
  // One column of a wider matrix: a [rows, 1] matrix with a long row stride.
  if (columns === 1 && rowStride > 1) return { ...shared, transposed: false, ld: rowStride };
  return undefined;
}

/** Constants and indices have no memory: kernels compute them where they are used. */
export function isVirtual(x: Tensor): boolean {
  return x.op.kind === 'constant' || x.op.kind === 'iota';
}

function lowerProduct(node: Tensor, { unique, adapter }: Context): Tensor {
  const batch = node.shape.slice(0, -2);
  const inputs = node.inputs.map((x, i) => {
    const fits = (y: Tensor) => operandOf(accessOf(y) as Access, batch, i === 1) !== undefined;
    if (fits(x)) return x;
    const copy = copyOf(x, unique);
    if (fits(copy)) return copy;
    // It broadcasts along some axes of the batch only: no one stride steps through it.
    const shape = [...batch, ...x.shape.slice(-2)];
    return copyOf(unique(new Tensor(opNamed('expand'), [x], shape, x.dtype)), unique);
  });
  const [a, b] = inputs as [Tensor, Tensor];
  const fitted =
    a === node.inputs[0] && b === node.inputs[1]
      ? node
      : unique(new Tensor(node.op, inputs, node.shape, node.dtype, node.attrs, node.name));
  const splits = productSplits(fitted, adapter);
  return splits > 1 ? splitProduct(fitted, splits, unique) : fitted;
}

/**
 * Into how many parts the inner extent of a product is cut. Worth it when the output alone cannot
 * occupy a GPU's multiprocessors; a software adapter has too few cores to gain.
 */
function productSplits(node: Tensor, adapter: AdapterClass): number {
  const [m, n] = node.shape.slice(-2) as [number, number];
  const k = (node.inputs[0] as Tensor).shape.at(-1) as number;
  const tiles = sizeOf(node.shape.slice(0, -2)) * Math.ceil(m / 64) * Math.ceil(n / 64);
  const wanted = adapter.isSoftware ? 2 : 64;
  if (tiles * 2 > wanted || k < 2048) return 1;
  let splits = Math.min(Math.floor(wanted / tiles), Math.floor(k / 512));
  while (splits > 1 && k % splits !== 0) splits--;
  return splits;
}

/** A·B as Σₛ AₛBₛ over consecutive parts of the inner extent: a batched product and a sum. */
function splitProduct(node: Tensor, splits: number, unique: Unique): Tensor {
  const [a, b] = node.inputs as [Tensor, Tensor];
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
  const right = lead(b, b.rank - 2, [
    ...b.shape.slice(0, -2),
    splits,
    part,
    b.shape.at(-1) as number,
  ]);
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
  const operands = [full(left), full(right)].map((x) => (accessOf(x) ? x : undefined));
  if (operands.some((x) => x === undefined)) return node;
  const partial = unique(
    new Tensor(node.op, operands as Tensor[], [splits, ...node.shape], 'f32', {}, node.name),
  );
  const fits = operands.every((x, i) =>
    operandOf(accessOf(x as Tensor) as Access, partial.shape.slice(0, -2), i === 1),
  );
  if (!fits) return node;
  const total = unique(
    new Tensor(opNamed('sum'), [partial], [1, ...node.shape], 'f32', { axes: [0] }),
  );
  return reshaped(total, node.shape, unique);
}

/**
 * Every part of a concatenation becomes a node that one kernel writes, so that it can be written
 * straight into its place; zeros need no kernel, because fresh memory holds them. A part that does
 * not lie in one piece there is only written in place if nobody else reads it.
 */
function lowerConcat(
  node: Tensor,
  original: Tensor,
  { unique, claimed, users, readWhole }: ConcatContext,
): Tensor {
  const axis = node.attrs.axis as number;
  const bases = node.inputs.map((part) => accessOf(part)?.base);
  // A kernel cannot read an operand from the memory to which it writes the product.
  const readsPart = (x: Tensor) =>
    x.op.kind === 'matmul' && x.inputs.some((operand) => bases.includes(accessOf(operand)?.base));
  const linear = sizeOf(node.shape.slice(0, axis)) === 1;
  const parts = node.inputs.map((part, i) => {
    if (isZeros(part)) return part;
    const access = accessOf(part);
    const base = access?.base;
    const inPlace =
      base !== undefined &&
      ['elementwise', 'matmul', 'reduce'].includes(base.op.kind) &&
      !claimed.has(base) &&
      !readWhole.has(accessOf(original.inputs[i] as Tensor)?.base as Tensor) &&
      isWhole(access as Access) &&
      (linear || (part === base && users.get(original.inputs[i] as Tensor) === 1)) &&
      !readsPart(base);
    // A tensor has one memory: a second concatenation that holds it gets a copy of its own.
    const own = inPlace
      ? part
      : new Tensor(opNamed('copy'), [part], part.shape, part.dtype, {}, part.name);
    claimed.add(inPlace ? base : own);
    return own;
  });
  if (parts.every((part, i) => part === node.inputs[i])) return node;
  return unique(new Tensor(node.op, parts, node.shape, node.dtype, node.attrs, node.name));
}

/** Whether a tensor is the constant 0 under any shape. */
export function isZeros(x: Tensor): boolean {
  let node = x;
  while (node.op.kind === 'view') node = node.inputs[0] as Tensor;
  return node.op.kind === 'constant' && node.attrs.value === 0;
}

/** Where each part of a concatenation lies in its memory: an offset, and strides of the whole. */
export function partLayout(concat: Tensor): { part: Tensor; offset: number; strides: number[] }[] {
  const axis = concat.attrs.axis as number;
  const whole = contiguousStrides(concat.shape);
  const step = sizeOf(concat.shape.slice(axis + 1));
  let start = 0;
  return concat.inputs.map((part) => {
    const offset = start * step;
    start += part.shape[axis] as number;
    const strides = whole.map((stride, i) => (part.shape[i] === 1 ? 0 : stride));
    return { part, offset, strides };
  });
}
