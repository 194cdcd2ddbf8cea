// From the graph as written to the graph as run: duplicates merged, views made readable, long
// reductions and skinny products split, parts of a concatenation made ready to be written in place.
import { windowsOf } from '../../graph/products.ts';
import { opNamed, renewed, Tensor, throughViews } from '../../graph/tensor.ts';
import { numberStreams, topological } from '../../graph/traverse.ts';
import { isVariable } from '../../graph/variable.ts';
import { type Access, accessOf, isPacked, isVirtual, isWhole } from './access.ts';
import type { AdapterClass } from './adapter.ts';
import { lowerConcat } from './concat-parts.ts';
import { entangledEffects, variablesRead } from './effects.ts';
import { operandOf } from './operand.ts';
import { productSplits, splitProduct, splitReduction } from './splits.ts';
import { copyOf, newUnique, type Unique } from './unique.ts';

export interface Lowered {
  /** Nodes that the roots need, inputs first. */
  readonly nodes: Tensor[];
  /** The lowered form of each root, in the order given. */
  readonly roots: Tensor[];
}

export function lower(written: readonly Tensor[], adapter: AdapterClass): Lowered {
  const unique = newUnique();
  const roots = transform(written, unique, (node) => node.op.composed?.(node, adapter) ?? node);
  let copies = 0;
  const context = {
    ...{ adapter, unique, nextCopy: () => copies++ },
    ...{ isEntangled: entangledEffects(roots), isOperand: operandsOf(roots) },
  };
  const readable = transform(roots, unique, (node, original) => rewrite(node, original, context));
  // Only now is it known who reads what: equal nodes have become one.
  const order = topological(readable);
  const users = userCounts(order, readable);
  const readWhole = new Set(
    order
      .flatMap((node) => node.inputs.filter((_, i) => readsWhole(node, i)))
      .map((x) => (accessOf(x) as Access).base),
  );
  const claimed = new Set<Tensor>();
  const newRoots = transform(readable, unique, (node, original) =>
    node.op.kind === 'concat'
      ? lowerConcat(node, original, { unique, claimed, users, readWhole })
      : node,
  );
  return { nodes: topological(newRoots), roots: newRoots };
}

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
    lowered.set(node, replace(unique(renewed(node, inputs, attrs)), node));
  }
  return roots.map((root) => lowered.get(root) as Tensor);
}

/** What products and shaders of their own read: that lies in memory, whoever else computes with it. */
function operandsOf(roots: readonly Tensor[]): (x: Tensor) => boolean {
  const operands = new Set(
    topological(roots)
      .filter(({ op }) => op.kind === 'matmul' || op.kind === 'kernel')
      .flatMap(({ inputs }) => inputs.map(throughViews)),
  );
  return (x) => operands.has(throughViews(x));
}

/** How many nodes of a graph use a node directly; a root counts as one more. */
function userCounts(order: readonly Tensor[], roots: readonly Tensor[]): Map<Tensor, number> {
  const users = new Map<Tensor, number>();
  for (const x of [...order.flatMap((node) => node.inputs), ...roots]) {
    users.set(x, (users.get(x) ?? 0) + 1);
  }
  return users;
}

interface Context {
  readonly adapter: AdapterClass;
  /** The node itself, or an equal one made before. */
  readonly unique: Unique;
  /** A number that no other copy has. */
  readonly nextCopy: () => number;
  /** Whether an effect of the graph as written is in others' way. */
  readonly isEntangled: (effect: Tensor) => boolean;
  /** Whether a tensor of it is read by products or shaders of their own. */
  readonly isOperand: (x: Tensor) => boolean;
}

function rewrite(node: Tensor, original: Tensor, context: Context): Tensor {
  const { unique, adapter, isOperand } = context;
  const apart = () => (context.isEntangled(original) ? withCopies(node, unique) : node);
  switch (node.op.kind) {
    case 'view':
      return readable(node, unique);
    case 'reduce':
      return splitReduction(node, isOperand(original.inputs[0] as Tensor), unique, adapter);
    case 'matmul':
      return lowerProduct(node, context);
    case 'gather':
      return lowerGather(node, unique);
    case 'kernel':
      return lowerKernel(node, unique);
    case 'assign':
      return apart();
    case 'scatter':
      return lowerScatter(apart(), unique);
    case 'store':
      return withOwnIndex(apart(), context.nextCopy());
    default:
      return node;
  }
}

/** Rows can only be picked from a table that lies in memory. */
function lowerGather(node: Tensor, unique: Unique): Tensor {
  const [table, index] = node.inputs as [Tensor, Tensor];
  if (!isVirtual(accessOf(table)?.base as Tensor)) return node;
  const inputs = [copyOf(table, unique), index];
  return unique(new Tensor(node.op, inputs, node.shape, node.dtype, node.attrs, node.name));
}

/** The rows that change are told by memory. */
function lowerScatter(node: Tensor, unique: Unique): Tensor {
  const [rows, index] = node.inputs as [Tensor, Tensor];
  if (!isVirtual(accessOf(index)?.base as Tensor)) return node;
  const inputs = [rows, copyOf(index, unique)];
  return new Tensor(node.op, inputs, node.shape, node.dtype, node.attrs, node.name);
}

/** Whether a node reads an input as row-major memory: a shader of its own does, and a product its images. */
const readsWhole = (node: Tensor, input: number): boolean =>
  node.op.kind === 'kernel' || windowsOf(node)?.side === input;

function isRowMajor(x: Tensor): boolean {
  const access = accessOf(x);
  if (access === undefined || isPacked(access.base)) return false;
  return isWhole(access) && !isVirtual(access.base);
}

function lowerKernel(node: Tensor, unique: Unique): Tensor {
  if (node.inputs.every(isRowMajor)) return node;
  const inputs = node.inputs.map((x) => (isRowMajor(x) ? x : copyOf(x, unique)));
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

function lowerProduct(node: Tensor, { unique, adapter }: Context): Tensor {
  const batch = node.shape.slice(0, -2);
  const inputs = node.inputs.map((x, i) => {
    if (readsWhole(node, i)) return isRowMajor(x) ? x : copyOf(x, unique);
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
