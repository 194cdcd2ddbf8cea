// What of a graph is known when it is written down, and what is left open.
import type { Tensor } from '../graph/tensor.ts';
import { isVariable, type Variable } from '../graph/variable.ts';

export interface Known {
  /** Values of variables; those that a mask or an order was made as are added. */
  readonly given: Map<Tensor, ArrayLike<number>>;
  /** What is fed. */
  readonly flowing: ReadonlySet<Tensor>;
  countsRows(extent: number): boolean;
  /** The error for what cannot be written down. */
  unlike(what: string): Error;
}

/** What depends on an input or on noise, or has as many elements as there are rows. @param order inputs first */
export function openOnes(order: readonly Tensor[], known: Known): Set<Tensor> {
  const open = new Set<Tensor>();
  for (const node of order) {
    const isOpen =
      known.flowing.has(node) ||
      (isVariable(node) && !isGiven(node, known)) ||
      node.op.kind === 'noise' ||
      node.inputs.some((x) => open.has(x)) ||
      node.shape.some((extent) => known.countsRows(extent));
    if (isOpen) open.add(node);
  }
  return open;
}

/** Whether a variable's values are known: a mask or an order is what it was made as. */
function isGiven(variable: Variable, { given, unlike }: Known): boolean {
  if (given.has(variable)) return true;
  if (!variable.init || variable.role === 'input' || variable.role === 'parameter') return false;
  const random = (): never => {
    throw unlike(`'${variable.name}', which is drawn`);
  };
  given.set(variable, variable.init(variable.shape, random));
  return true;
}
