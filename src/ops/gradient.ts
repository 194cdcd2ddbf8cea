// Reverse-mode differentiation as a transformation from graph to graph.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { topological } from '../graph/traverse.ts';
import { add } from './arithmetic.ts';
import { constant, constantValue, zeros } from './constant.ts';
import { concat, slice } from './pieces.ts';
import { sumTo } from './reduce.ts';
import { stopOp } from './views.ts';

/**
 * Gradients of the scalar `loss` with respect to each tensor in `wrt`, as graph nodes of the same
 * shapes. A tensor that the loss does not depend on has a gradient of zeros.
 *
 * ```ts
 * const x = input('x', [2]);
 * const [slope] = gradient(sum(square(x)), [x]);
 * evaluate([slope], new Map([[x, [1, 2]]]))[0].data // [2, 4]
 * ```
 *
 * @throws LatentGpuError `shape-mismatch` for a loss that is not one float32 number
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

/**
 * Vᵀ J: gradients of Σ ⟨outputs[i], seeds[i]⟩ with respect to each tensor in `wrt`.
 *
 * ```ts
 * const x = input('x', [2]);
 * const [slope] = vectorJacobian([square(x)], [full([2], 3)], [x]);
 * evaluate([slope], new Map([[x, [1, 2]]]))[0].data // [6, 12]
 * ```
 */
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
    gradients.set(node, sofar ? (addConcats(sofar, fitted) ?? add(sofar, fitted)) : fitted);
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
    // Nothing is felt behind it, and what is there need not have a gradient.
    if (node.op === stopOp) continue;
    if (node.inputs.some((x) => result.has(x))) result.add(node);
  }
  return result;
}

/**
 * The sum of two concatenations along one axis, as a concatenation of sums: gradients of the
 * slices of one tensor meet here, and most of the parts are zeros.
 */
function addConcats(a: Tensor, b: Tensor): Tensor | undefined {
  const isConcat = ({ op }: Tensor) => op.kind === 'concat';
  if (!isConcat(a) || !isConcat(b) || a.attrs.axis !== b.attrs.axis) return undefined;
  const axis = a.attrs.axis as number;
  const cuts = new Set<number>();
  for (const whole of [a, b]) {
    let at = 0;
    for (const part of whole.inputs) {
      at += part.shape[axis] as number;
      cuts.add(at);
    }
  }
  const pieceOf = (whole: Tensor, start: number, end: number): Tensor => {
    let at = 0;
    for (const part of whole.inputs) {
      const next = at + (part.shape[axis] as number);
      if (start >= at && end <= next) return slice(part, axis, start - at, end - at);
      at = next;
    }
    throw new Error('addConcats: cut outside the tensor');
  };
  let start = 0;
  const parts = [...cuts]
    .sort((x, y) => x - y)
    .map((end) => {
      const [x, y] = [pieceOf(a, start, end), pieceOf(b, start, end)];
      start = end;
      if (constantValue(x) === 0) return y;
      return constantValue(y) === 0 ? x : add(x, y);
    });
  return concat(parts, axis);
}
