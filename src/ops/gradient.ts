// Reverse-mode differentiation as a transformation from graph to graph.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { topological } from '../graph/traverse.ts';
import { add } from './arithmetic.ts';
import { addConcats } from './concat.ts';
import { constant, zeros } from './constant.ts';
import { sumTo } from './reduce.ts';

/**
 * Gradients of the scalar `loss` with respect to each tensor in `wrt`, as graph nodes of the same
 * shapes. A tensor that the loss does not depend on has a gradient of zeros.
 */
export function gradient(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.size !== 1 || loss.dtype !== 'f32') {
    throw new LatentGpuError(
      'shape-mismatch',
      `gradient: the loss must be one float32 number, not ${loss}; reduce it with sum or mean`,
    );
  }
  return vectorJacobian([loss], [constant(1)], wrt);
}

/** Vᵀ J: gradients of Σ ⟨outputs[i], seeds[i]⟩ with respect to each tensor in `wrt`. */
export function vectorJacobian(
  outputs: readonly Tensor[],
  seeds: readonly Tensor[],
  wrt: readonly Tensor[],
): Tensor[] {
  const order = topological(outputs);
  const needed = dependents(order, wrt);
  const gradients = new Map<Tensor, Tensor>();
  const accumulate = (node: Tensor, piece: Tensor) => {
    const fitted = sumTo(piece, node.shape);
    const sofar = gradients.get(node);
    gradients.set(node, sofar ? (addConcats(sofar, fitted, add) ?? add(sofar, fitted)) : fitted);
  };
  outputs.forEach((output, i) => {
    accumulate(output, seeds[i] as Tensor);
  });
  for (const node of [...order].reverse()) {
    const own = gradients.get(node);
    if (!own || !needed.has(node) || !node.op.vjp) continue;
    node.op.vjp(node, own).forEach((piece, i) => {
      const source = node.inputs[i] as Tensor;
      if (piece && needed.has(source)) accumulate(source, piece);
    });
  }
  return wrt.map((x) => gradients.get(x) ?? zeros(x.shape));
}

/** The nodes of `order` through which a change of `wrt` is felt. */
function dependents(order: readonly Tensor[], wrt: readonly Tensor[]): Set<Tensor> {
  const result = new Set(wrt);
  for (const node of order) {
    if (node.inputs.some((x) => result.has(x))) result.add(node);
  }
  return result;
}
