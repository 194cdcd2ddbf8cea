// Recurrent units as other libraries have them: a node of x itself, the first product with it, where here there is an
// op of what that product has told.
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import { concat, expand, identity, reshape } from '../ops/index.ts';
import { biasOf, weightOf } from './graphs.ts';

/** Gates of a cell, in the order of its weights. */
const GATES: Readonly<Record<string, number>> = { gru: 3, lstm: 4 };

export const isRecurrent = ({ op }: Tensor): boolean => op.name in GATES;

/** A product that tells gates something: of rows x [..., I] with a weight [G · H, I]. */
export interface Product {
  /** None: every row of the identity, one after the other. */
  readonly x: Tensor | undefined;
  readonly weight: Variable;
  /** Of extents [..., G · H], which are those of x but for the last. */
  readonly made: Tensor;
}

export interface Units {
  /** What is told step by step, first x; what stands beside it, as classes do, comes after. */
  readonly products: readonly [Product & { readonly x: Tensor }, ...Product[]];
  /** Their sum: [..., G · H] of all steps, or of one, which is the same at every step. */
  readonly sum: Tensor;
  readonly isRepeated: boolean;
  readonly steps: number;
  readonly hidden: number;
  readonly gates: number;
  /** [G · H, H], [G · H] and [G · H]. */
  readonly weightHh: Tensor;
  readonly biasIh: Tensor;
  readonly biasHh: Tensor;
  /** [B, H] of each part of the state side by side. */
  readonly start: Tensor;
  /**
   * Nodes between the op and what is multiplied: who has a node of that has no use for them. Those of the way to the
   * products, then those of each; the one that is read last comes first.
   */
  readonly between: readonly (readonly Tensor[])[];
}

/** The layer that a recurrent op is part of, unless what tells its gates is no layer. */
export function unitsOf(node: Tensor): Units | undefined {
  const [inputs, weightHh, biasHh, start] = node.inputs as [Tensor, Tensor, Tensor, Tensor];
  const isRepeated = inputs.op.name === 'expand';
  const way: Tensor[] = isRepeated ? [inputs] : [];
  const sum = through(isRepeated ? (inputs.inputs[0] as Tensor) : inputs, way);
  const layer = layerOf(sum);
  const beside = layer ? undefined : besideOf(sum);
  const first = layer ?? beside?.layer;
  if (!first) return undefined;
  if (beside) way.push(sum);
  const [, steps] = inputs.shape as [number, number];
  return {
    products: [first.product, ...(beside ? [beside.more.product] : [])],
    sum,
    isRepeated,
    steps,
    hidden: weightHh.shape[1] as number,
    gates: GATES[node.op.name] as number,
    weightHh,
    biasIh: first.bias,
    biasHh,
    start,
    between: [way, first.between, ...(beside ? [beside.more.between] : [])],
  };
}

interface Between<P = Product> {
  readonly product: P;
  readonly between: readonly Tensor[];
}

type Layer = Between<Product & { readonly x: Tensor }> & { readonly bias: Tensor };

/** What a view is of, which is noted. */
function through(x: Tensor, noted: Tensor[]): Tensor {
  if (x.op.name !== 'reshape') return x;
  noted.push(x);
  return x.inputs[0] as Tensor;
}

/** W x + its bias. */
function layerOf(made: Tensor): Layer | undefined {
  const between: Tensor[] = [];
  const sum = through(made, between);
  const layer = biasOf(sum);
  const weight = layer && weightOf(layer.product.inputs[1] as Tensor);
  if (!layer || !weight) return undefined;
  between.push(sum, layer.product);
  const x = through(layer.product.inputs[0] as Tensor, between);
  return { product: { x, weight, made }, bias: layer.bias, between };
}

/** A layer and a product that is added to it. */
function besideOf(sum: Tensor) {
  if (sum.op.name !== 'add') return undefined;
  const [made, told] = sum.inputs as [Tensor, Tensor];
  const layer = layerOf(made);
  const more = productOf(told);
  return layer && more && { layer, more };
}

/** W x, or the columns of W themselves. */
function productOf(made: Tensor): Between | undefined {
  const between: Tensor[] = [];
  const own = through(made, between);
  between.push(own);
  const columns = weightOf(own);
  if (columns) return { product: { x: undefined, weight: columns, made }, between };
  const [x, across] = own.inputs as [Tensor, Tensor];
  const weight = own.op.name === 'matmul' && own.rank === 2 ? weightOf(across) : undefined;
  return weight && { product: { x, weight, made }, between };
}

/** x of every step, [B, T, I], what is told beside it among its numbers. */
export function seriesOf({ products, sum, isRepeated, steps, start }: Units): Tensor {
  const [rows] = start.shape as [number, number];
  const leading = ({ shape }: Tensor) => shape.slice(0, -1);
  const parts = products.map(({ x, weight, made }) => {
    const width = weight.shape[1] as number;
    const own = reshape(x ?? identity(width), [...leading(made), width]);
    return expand(own, [...leading(sum), width]);
  });
  const each = reshape(concat(parts), [rows, isRepeated ? 1 : steps, -1]);
  return expand(each, [rows, steps, each.shape[2] as number]);
}

/** [G · H, I] of all that is told. */
export const weightIhOf = ({ products }: Units): Tensor =>
  concat(
    products.map(({ weight }) => weight),
    1,
  );

/** What nodes of x make up for: nodes that nobody but recurrent ops of layers reads. */
export function madeUpFor(
  order: readonly Tensor[],
  usersOf: (x: Tensor) => readonly Tensor[],
  roots: readonly Tensor[],
): Set<Tensor> {
  const found = new Set<Tensor>();
  const isNeeded = (x: Tensor) => usersOf(x).length !== 1 || roots.includes(x);
  /** Whether all of them are made up for. */
  const walk = (nodes: readonly Tensor[]) =>
    nodes.every((x) => {
      if (isNeeded(x)) return false;
      found.add(x);
      return true;
    });
  for (const node of order.filter(isRecurrent)) {
    const [way = [], ...rest] = unitsOf(node)?.between ?? [];
    if (walk(way)) for (const nodes of rest) walk(nodes);
  }
  return found;
}

/**
 * Whether somebody reads more of long short-term memory than it shows, [..., H] of states [..., 2 H]: others tell its
 * cells after the last step alone.
 */
export function readsCells(order: readonly Tensor[], roots: readonly Tensor[]): boolean {
  const isLstm = ({ op }: Tensor) => op.name === 'lstm';
  return roots.some(isLstm) || order.some((node) => node.inputs.some(isLstm) && !isShown(node));
}

/** What is shown of states: the first part. */
export function isShown(node: Tensor): boolean {
  const [states] = node.inputs;
  if (states?.op.name !== 'lstm' || node.op.name !== 'slice') return false;
  const { axis, start } = node.attrs as { axis: number; start: number };
  return axis === 2 && start === 0 && 2 * (node.shape[2] as number) === states.shape[2];
}
