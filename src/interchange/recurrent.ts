// Recurrent units as other libraries have them: a node of x itself, the first product with it, where here there is an
// op of what that product has told.
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import { expand, reshape } from '../ops/index.ts';
import { biasOf, weightOf } from './graphs.ts';

/** Gates of a cell, in the order of its weights. */
const GATES: Readonly<Record<string, number>> = { gru: 3, lstm: 4 };

export const isRecurrent = ({ op }: Tensor): boolean => op.name in GATES;

export interface Units {
  /** What is told step by step: of size B · T · I, or [B, I], the same at every step. */
  readonly x: Tensor;
  readonly isRepeated: boolean;
  readonly steps: number;
  readonly hidden: number;
  readonly gates: number;
  /** [G · H, I], [G · H, H], [G · H] and [G · H]. */
  readonly weightIh: Variable;
  readonly weightHh: Tensor;
  readonly biasIh: Tensor;
  readonly biasHh: Tensor;
  /** [B, H] of each part of the state side by side. */
  readonly start: Tensor;
  /** Nodes between x and the op, the last first: who has a node of x has no use for them. */
  readonly between: readonly Tensor[];
}

/** The layer that a recurrent op is part of, unless what tells its gates is no layer. */
export function unitsOf(node: Tensor): Units | undefined {
  const [inputs, weightHh, biasHh, start] = node.inputs as [Tensor, Tensor, Tensor, Tensor];
  const between: Tensor[] = [];
  const under = (x: Tensor): Tensor => {
    between.push(x);
    return x.inputs[0] as Tensor;
  };
  const isRepeated = inputs.op.name === 'expand';
  let made = isRepeated ? under(inputs) : inputs;
  if (made.op.name === 'reshape') made = under(made);
  const layer = biasOf(made);
  const weightIh = layer && weightOf(layer.product.inputs[1] as Tensor);
  if (!layer || !weightIh) return undefined;
  between.push(made);
  let x = under(layer.product);
  if (x.op.name === 'reshape') x = under(x);
  const [, steps] = inputs.shape as [number, number];
  const hidden = weightHh.shape[1] as number;
  const gates = GATES[node.op.name] as number;
  const { bias: biasIh } = layer;
  return {
    x,
    isRepeated,
    steps,
    hidden,
    gates,
    weightIh,
    weightHh,
    biasIh,
    biasHh,
    start,
    between,
  };
}

/** x of every step, [B, T, I]. */
export function seriesOf({ x, isRepeated, steps, weightIh, start }: Units): Tensor {
  const [rows, width] = [start.shape[0] as number, weightIh.shape[1] as number];
  if (!isRepeated) return reshape(x, [rows, steps, width]);
  return expand(reshape(x, [rows, 1, width]), [rows, steps, width]);
}

/** What nodes of x make up for: nodes that nobody but recurrent ops of layers reads. */
export function madeUpFor(
  order: readonly Tensor[],
  usersOf: (x: Tensor) => readonly Tensor[],
  roots: readonly Tensor[],
): Set<Tensor> {
  const found = new Set<Tensor>();
  for (const node of order.filter(isRecurrent)) {
    for (const x of unitsOf(node)?.between ?? []) {
      if (usersOf(x).length !== 1 || roots.includes(x)) break;
      found.add(x);
    }
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
