// Matrices kept as LU factors, packed into one matrix: L strictly below the diagonal (ones on it), U
// strictly above it, log |s| on it, for W = P L (U + diag(s)).
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import {
  libLuColumnsQuads,
  luGradient as luGradientKernel,
  luInverse as luInverseKernel,
  luMatrix as luMatrixKernel,
  type Shader,
} from '../kernels/shaders.gen.ts';
import { add, mul, neg } from './arithmetic.ts';
import { exp } from './elementary.ts';
import { matmul } from './matmul.ts';
import { identity } from './one-hot.ts';
import { permuteColumns } from './permute.ts';
import { sum } from './reduce.ts';
import { byColumns } from './substitution.ts';
import { triangle } from './triangular.ts';
import { unknownGradient } from './unknown-gradient.ts';
import { transpose } from './views.ts';

/** What is fixed: signs of s [N], and the row of L (U + diag(s)) that is each row of W, unsigned [N]. */
export interface LuFrame {
  readonly sign: Tensor;
  readonly rows: Tensor;
  /** The inverse order: the row of W that is each row of L (U + diag(s)). */
  readonly places: Tensor;
}

const WORKGROUP = 64;

/** A kernel of an invocation an element. */
function byElement<S extends 'lu_matrix' | 'lu_gradient'>(
  node: Tensor,
  shader: Shader<S>,
  flops: number,
) {
  return {
    shader,
    constants: { N: node.shape[0] as number, WORKGROUP },
    workgroups: Math.ceil(node.size / WORKGROUP),
    flops,
  };
}

/** Reads packed factors in float64. */
function factorsOf(inputs: NdArray[]) {
  const [factors, sign, rows] = inputs as [NdArray, NdArray, NdArray];
  const n = factors.shape[0] as number;
  const factor = (i: number, j: number) => factors.data[i * n + j] as number;
  const scale = (i: number) => (sign.data[i] as number) * Math.exp(factor(i, i));
  const lower = (i: number, k: number) => (i === k ? 1 : k < i ? factor(i, k) : 0);
  const upper = (k: number, j: number) => (k === j ? scale(j) : k < j ? factor(k, j) : 0);
  return { n, factor, scale, lower, upper, row: (i: number) => rows.data[i] as number };
}

const frameOf = (node: Tensor): LuFrame => {
  const [, sign, rows] = node.inputs as [Tensor, Tensor, Tensor];
  return { sign, rows, places: node.attrs.places as Tensor };
};

const matrixOp = defineOp({
  name: 'luMatrix',
  kind: 'kernel',
  vjp: (node, gradient) => [luGradient(node.inputs[0] as Tensor, frameOf(node), gradient)],
  reference: (inputs, node) => {
    const { n, lower, upper, row } = factorsOf(inputs);
    const result = ndarray(node.shape);
    for (let at = 0; at < n * n; at++) {
      const [i, j] = [row(Math.floor(at / n)), at % n];
      let total = 0;
      for (let k = 0; k < n; k++) total += lower(i, k) * upper(k, j);
      result.data[at] = total;
    }
    return result;
  },
  kernel: (node) => byElement(node, luMatrixKernel, (2 * node.size ** 1.5) / 3),
});

const gradientOp = defineOp({
  name: 'luGradient',
  kind: 'kernel',
  vjp: unknownGradient('a gradient of luMatrix or luInverse'),
  reference: ([factors, sign, places, dw], node) => {
    const parts = factorsOf([factors, sign, places] as NdArray[]);
    const { n, lower, upper, scale, row: place } = parts;
    const given = (i: number, j: number) => (dw as NdArray).data[place(i) * n + j] as number;
    const result = ndarray(node.shape);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let total = 0;
        for (let k = 0; k < n; k++) {
          total += i > j ? given(i, k) * upper(j, k) : lower(k, i) * given(k, j);
        }
        result.data[i * n + j] = i === j ? total * scale(i) : total;
      }
    }
    return result;
  },
  kernel: (node) => byElement(node, luGradientKernel, (4 * node.size ** 1.5) / 3),
});

const inverseOp = defineOp({
  name: 'luInverse',
  kind: 'kernel',
  // X = W⁻¹: dW = -Xᵀ G Xᵀ.
  vjp: (node, gradient) => {
    const turned = transpose(node);
    const dw = neg(matmul(turned, matmul(gradient, turned)));
    return [luGradient(node.inputs[0] as Tensor, frameOf(node), dw)];
  },
  reference: (inputs, node) => {
    const { n, factor, scale, row } = factorsOf(inputs);
    const result = ndarray(node.shape);
    const { data } = result;
    for (let c = 0; c < n; c++) {
      const at = (i: number) => i * n + c;
      for (let i = 0; i < n; i++) {
        let rest = i === row(c) ? 1 : 0;
        for (let k = 0; k < i; k++) rest -= factor(i, k) * (data[at(k)] as number);
        data[at(i)] = rest;
      }
      for (let i = n - 1; i >= 0; i--) {
        let rest = data[at(i)] as number;
        for (let k = i + 1; k < n; k++) rest -= factor(i, k) * (data[at(k)] as number);
        data[at(i)] = rest / scale(i);
      }
    }
    return result;
  },
  kernel: (node, { isSoftware }) => {
    const n = node.shape[0] as number;
    const columns = byColumns(1, n, libLuColumnsQuads, isSoftware);
    return { shader: luInverseKernel, flops: 2 * n ** 3, ...columns, turns: 2 * columns.turns };
  },
});

function luGradient(factors: Tensor, { sign, places }: LuFrame, dw: Tensor): Tensor {
  return new Tensor(gradientOp, [factors, sign, places, dw], factors.shape, 'f32');
}

function checkFrame(name: string, factors: Tensor, { sign, rows, places }: LuFrame): void {
  const n = factors.shape[0] as number;
  const fits =
    factors.rank === 2 &&
    factors.shape[1] === n &&
    [sign, rows, places].every((x) => x.rank === 1 && x.size === n) &&
    [rows, places].every((x) => x.dtype === 'u32');
  if (fits) return;
  throw new LatentGpuError(
    'shape-mismatch',
    `${name}: needs square factors [N, N], signs [N] and unsigned orders [N], not ${factors}, ${sign}, ${rows} and ${places}`,
  );
}

/** From this many rows on, products of whole matrices are faster than kernels that skip the zeros. */
const DENSE = 96;

/**
 * W = P L (U + diag(s)) [N, N] from packed factors [N, N]; small ones in one kernel, gradients in another.
 *
 * @example luMatrix(zeros([2, 2]), { sign: full([2], 1), rows: iota(2), places: iota(2) }) // [1, 0, 0, 1]
 */
export function luMatrix(factors: Tensor, frame: LuFrame): Tensor {
  checkFrame('luMatrix', factors, frame);
  const { sign, rows, places } = frame;
  const n = factors.shape[0] as number;
  if (n < DENSE) {
    return new Tensor(matrixOp, [factors, sign, rows], factors.shape, 'f32', { places });
  }
  const unit = identity(n);
  const lower = add(triangle(factors, { strict: true }), unit);
  const scales = mul(sign, exp(sum(mul(factors, unit), 0)));
  const upper = add(triangle(factors, { upper: true, strict: true }), mul(unit, scales));
  return transpose(permuteColumns(matmul(transpose(upper), transpose(lower)), rows, places));
}

/**
 * W⁻¹ of the same, by substitution in one kernel.
 *
 * @example luInverse(zeros([2, 2]), { sign: full([2], 1), rows: iota(2), places: iota(2) }) // [1, 0, 0, 1]
 */
export function luInverse(factors: Tensor, frame: LuFrame): Tensor {
  checkFrame('luInverse', factors, frame);
  const { sign, rows, places } = frame;
  return new Tensor(inverseOp, [factors, sign, rows], factors.shape, 'f32', { places });
}
