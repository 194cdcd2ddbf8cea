// A graph with other tensors in the place of some.
import { renewed, type Tensor } from './tensor.ts';
import { topological } from './traverse.ts';

/** The same tensors, made of what is given in the place of others: new nodes where any of them is behind it. */
export function substituted(
  roots: readonly Tensor[],
  given: ReadonlyMap<Tensor, Tensor>,
): Tensor[] {
  const made = new Map(given);
  for (const node of topological(roots)) {
    if (made.has(node)) continue;
    const inputs = node.inputs.map((x) => made.get(x) as Tensor);
    made.set(node, renewed(node, inputs));
  }
  return roots.map((root) => made.get(root) as Tensor);
}
