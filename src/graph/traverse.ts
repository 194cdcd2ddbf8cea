// Walking a graph.
import { FIRST_UNNAMED_STREAM } from '../streams.ts';
import { renewed, type Tensor } from './tensor.ts';

/** Every node that the outputs need, inputs before their users; deterministic. */
export function topological(outputs: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  // An explicit stack: a graph may be deeper than the host's call stack.
  const stack: { node: Tensor; next: number }[] = [];
  for (const output of outputs) {
    if (seen.has(output)) continue;
    seen.add(output);
    stack.push({ node: output, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as { node: Tensor; next: number };
      const input = top.node.inputs[top.next++];
      if (input === undefined) {
        order.push(top.node);
        stack.pop();
      } else if (!seen.has(input)) {
        seen.add(input);
        stack.push({ node: input, next: 0 });
      }
    }
  }
  return order;
}

/**
 * The random stream of every noise tensor: its own, or its place in topological order.
 *
 * @param first number of the first that names none
 */
export function numberStreams(
  order: readonly Tensor[],
  first: number = FIRST_UNNAMED_STREAM,
): Map<Tensor, number> {
  const streams = new Map<Tensor, number>();
  let next = 0;
  for (const node of order) {
    if (node.op.kind !== 'noise') continue;
    streams.set(node, (node.attrs.stream as number | undefined) ?? first + next++);
  }
  return streams;
}

/** The same graph, with noise of the streams that are given: new tensors by old ones. */
export function withStreams(
  order: readonly Tensor[],
  streams: ReadonlyMap<Tensor, number>,
): Map<Tensor, Tensor> {
  const made = new Map<Tensor, Tensor>();
  for (const node of order) {
    const inputs = node.inputs.map((x) => made.get(x) as Tensor);
    const stream = streams.get(node);
    made.set(node, renewed(node, inputs, stream === undefined ? node.attrs : { stream }));
  }
  return made;
}

/** The same tensors, with noise of the streams from `first` on where they name none. */
export function renumbered<K extends string>(
  tensors: Readonly<Record<K, Tensor>>,
  first: number,
): Record<K, Tensor> {
  const order = topological(Object.values<Tensor>(tensors));
  const made = withStreams(order, numberStreams(order, first));
  return Object.fromEntries(
    Object.entries<Tensor>(tensors).map(([name, tensor]) => [name, made.get(tensor)]),
  ) as Record<K, Tensor>;
}
