// Partial derivatives: a function of several things, of which only one may move.
import { Tensor } from '../graph/tensor.ts';
import { topological } from '../graph/traverse.ts';
import { stopGradient } from './views.ts';

/**
 * The same value as `y`, whose gradient flows through `through` alone: whatever else `y` is made of
 * counts as given, parameters in between included. With y = log q(z; φ) and z = z(φ) that leaves the
 * path derivative, as sticking the landing needs it (Roeder et al. 2017).
 *
 * ```ts
 * const logQ = ops.onlyThrough(posterior.logProb(z), z);
 * ```
 *
 * @example onlyThrough(constant(2), constant(1)) // 2
 */
export function onlyThrough(y: Tensor, through: Tensor): Tensor {
  const copies = new Map<Tensor, Tensor>([[through, through]]);
  for (const node of topological([y])) {
    if (copies.has(node) || !node.inputs.some((x) => copies.has(x))) continue;
    const inputs = node.inputs.map((x) => copies.get(x) ?? given(x));
    const { op, shape, dtype, attrs, name } = node;
    copies.set(node, new Tensor(op, inputs, shape, dtype, attrs, name));
  }
  return copies.get(y) ?? stopGradient(y);
}

/** Constants stay what they are: rules of arithmetic look for them. */
function given(x: Tensor): Tensor {
  return x.op.kind === 'constant' || x.dtype === 'u32' ? x : stopGradient(x);
}
