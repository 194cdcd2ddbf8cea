// Inverses of triangular matrices: what the factors of a linear flow's weight need.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import {
  libTriangleQuads,
  triangularInverse as triangularInverseKernel,
} from '../kernels/shaders.gen.ts';
import { mul, neg } from './arithmetic.ts';
import { less, lessEqual } from './comparison.ts';
import { toFloat } from './integers.ts';
import { matmul } from './matmul.ts';
import { iota } from './random.ts';
import { byColumns } from './substitution.ts';
import { reshape, transpose } from './views.ts';

export interface TriangularOptions {
  /** Which triangle counts; the other is not read. Default: the lower one. */
  upper?: boolean;
  /** Whether the diagonal counts as ones and is not read. */
  unitDiagonal?: boolean;
}

const inverseOp = defineOp({
  name: 'triangularInverse',
  kind: 'kernel',
  // X = A⁻¹: dA = -Xᵀ G Xᵀ, of which the triangle is A's.
  vjp: (node, gradient) => {
    const { upper, unitDiagonal } = node.attrs as Required<TriangularOptions>;
    const turned = transpose(node);
    const whole = neg(matmul(turned, matmul(gradient, turned)));
    return [triangle(whole, { upper, strict: unitDiagonal })];
  },
  reference: ([a], node) => {
    const { upper, unitDiagonal } = node.attrs as Required<TriangularOptions>;
    const n = node.shape.at(-1) as number;
    const result = ndarray(node.shape);
    const { data } = a as NdArray;
    for (let start = 0; start < node.size; start += n * n) {
      // Upper matrices are lower ones seen from the other corner.
      const at = (i: number, k: number) => start + (upper ? n * n - 1 - (i * n + k) : i * n + k);
      for (let j = 0; j < n; j++) {
        for (let i = j; i < n; i++) {
          let rest = i === j ? 1 : 0;
          for (let k = j; k < i; k++) {
            rest -= (data[at(i, k)] as number) * (result.data[at(k, j)] as number);
          }
          result.data[at(i, j)] = rest / (unitDiagonal ? 1 : (data[at(i, i)] as number));
        }
      }
    }
    return result;
  },
  kernel: (node, { isSoftware }) => {
    const { upper, unitDiagonal } = node.attrs as Required<TriangularOptions>;
    const n = node.shape.at(-1) as number;
    const BATCH = node.size / (n * n);
    const columns = byColumns(BATCH, n, libTriangleQuads, isSoftware);
    const constants = { BATCH, UPPER: String(upper), UNIT: String(unitDiagonal) };
    return {
      ...columns,
      shader: triangularInverseKernel,
      constants: { ...constants, ...columns.constants },
      flops: (node.size * n) / 3,
    };
  },
});

/**
 * Inverses of triangular matrices [..., N, N], by substitution. No entry of the diagonal may be 0.
 *
 * @throws LatentGpuError `shape-mismatch` if the matrices are not square
 * @example triangularInverse(mul(4, identity(2))) // [0.25, 0, 0, 0.25]
 */
export function triangularInverse(a: Tensor, options: TriangularOptions = {}): Tensor {
  checkSquare('triangularInverse', a);
  const { upper = false, unitDiagonal = false } = options;
  return new Tensor(inverseOp, [a], a.shape, 'f32', { upper, unitDiagonal });
}

/**
 * One triangle of matrices [..., N, N], zeros in the other; `strict` leaves out the diagonal.
 *
 * @example triangle(reshape(toFloat(iota(4)), [2, 2])) // [0, 0, 2, 3]
 */
export function triangle(a: Tensor, options: { upper?: boolean; strict?: boolean } = {}): Tensor {
  const n = checkSquare('triangle', a);
  const { upper = false, strict = false } = options;
  const column = toFloat(reshape(iota(n), [1, n]));
  const row = toFloat(reshape(iota(n), [n, 1]));
  const [small, large] = upper ? [row, column] : [column, row];
  const inside = strict ? less(small, large) : lessEqual(small, large);
  return mul(a, inside);
}

function checkSquare(name: string, a: Tensor): number {
  const [rows, columns] = a.shape.slice(-2);
  if (a.rank >= 2 && rows === columns && a.dtype === 'f32') return rows as number;
  throw new LatentGpuError('shape-mismatch', `${name}: ${a} is not square matrices [..., N, N]`);
}
