// Walking a graph.
import { FIRST_UNNAMED_STREAM } from '../streams.ts';
import type { Tensor } from './tensor.ts';

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

/** The random stream of every noise tensor: its own, or its place in topological order. */
export function numberStreams(order: readonly Tensor[]): Map<Tensor, number> {
  const streams = new Map<Tensor, number>();
  let next = 0;
  for (const node of order) {
    if (node.op.kind !== 'noise') continue;
    streams.set(node, (node.attrs.stream as number | undefined) ?? FIRST_UNNAMED_STREAM + next++);
  }
  return streams;
}
