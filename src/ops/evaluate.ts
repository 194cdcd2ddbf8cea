// The oracle: any graph, computed in float64 by the ops' own references.
import { LatentGpuError } from '../errors.ts';
import { streamsInLoops } from '../graph/loop.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import type { Tensor } from '../graph/tensor.ts';
import { numberStreams, topological } from '../graph/traverse.ts';

/**
 * The values of `outputs` in float64, given those of every variable they depend on. Noise tensors
 * are numbered exactly as a plan compiled from the same outputs numbers them.
 *
 * ```ts
 * const x = input('x', [2]);
 * evaluate([exp(x)], new Map([[x, [0, 1]]]))[0].data // [1, 2.7183]
 * ```
 *
 * @throws LatentGpuError `bad-input` for a variable without a value
 */
export function evaluate(
  outputs: readonly Tensor[],
  values: ReadonlyMap<Tensor, ArrayLike<number>>,
): NdArray[] {
  const results = new Map<Tensor, NdArray>();
  const order = topological(outputs);
  const asDrawn = drawnIn(order);
  for (const node of order) {
    const given = values.get(node);
    if (given) {
      results.set(node, ndarray(node.shape, given));
      continue;
    }
    if (!node.op.reference) {
      throw new LatentGpuError('bad-input', `evaluate: no value was given for ${node}`);
    }
    const inputs = node.inputs.map((x) => results.get(x) as NdArray);
    results.set(node, node.op.reference(inputs, asDrawn(node)));
  }
  return outputs.map((output) => results.get(output) as NdArray);
}

/** Nodes as they draw in a graph: noise of its own stream, loops with the streams of what their steps draw. */
export function drawnIn(order: readonly Tensor[]): (node: Tensor) => Tensor {
  const streams = numberStreams(order);
  const inLoops = streamsInLoops(order);
  return (node) => {
    const stream = streams.get(node);
    if (node.op.kind !== 'loop' && stream === undefined) return node;
    const attrs = stream === undefined ? { ...node.attrs, drawn: inLoops } : { stream };
    return Object.assign(Object.create(node), { attrs });
  };
}
