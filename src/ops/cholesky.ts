// Cholesky factors of symmetric matrices.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { cholesky as choleskyKernel } from '../kernels/shaders.gen.ts';
import { add, mul } from './arithmetic.ts';
import { matmul } from './matmul.ts';
import { identity } from './one-hot.ts';
import { triangle, triangularInverse } from './triangular.ts';
import { transpose } from './views.ts';

const choleskyOp = defineOp({
  name: 'cholesky',
  kind: 'kernel',
  // With Φ the lower triangle, its diagonal halved: Ā = ½ (S + Sᵀ), S = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹ (Murray 2016,
  // "Differentiation of the Cholesky decomposition", 8).
  vjp: (node, gradient) => {
    const n = node.shape.at(-1) as number;
    const unit = identity(n);
    const lower = triangle(matmul(transpose(node), gradient));
    const halved = mul(lower, add(1, mul(-0.5, unit)));
    const inverse = triangularInverse(node);
    const s = matmul(transpose(inverse), matmul(halved, inverse));
    return [mul(0.5, add(s, transpose(s)))];
  },
  reference: ([a], node) => {
    const n = node.shape.at(-1) as number;
    const result = ndarray(node.shape);
    const { data } = a as NdArray;
    const l = result.data;
    for (let start = 0; start < node.size; start += n * n) {
      const at = (i: number, j: number) => start + i * n + j;
      for (let j = 0; j < n; j++) {
        for (let i = j; i < n; i++) {
          let rest = data[at(i, j)] as number;
          for (let k = 0; k < j; k++) rest -= (l[at(i, k)] as number) * (l[at(j, k)] as number);
          l[at(i, j)] = i === j ? Math.sqrt(Math.max(rest, 1e-30)) : rest / (l[at(j, j)] as number);
        }
      }
    }
    return result;
  },
  kernel: (node, { isSoftware, loopTurns }) => {
    const n = node.shape.at(-1) as number;
    const BATCH = node.size / (n * n);
    // Without a GPU, barriers cost more than they bring; but loops are to end.
    const alone = isSoftware && loopTurns === undefined;
    const WORKGROUP = alone ? 1 : Math.min(64, 2 ** Math.ceil(Math.log2(n)));
    return {
      shader: choleskyKernel,
      constants: { N: n, BATCH, WORKGROUP },
      // The diagonal, and an invocation's rows.
      turns: n ** 2 / 2 + (n ** 2 + n ** 3 / 6) / WORKGROUP,
      workgroups: BATCH,
      flops: (node.size * n) / 3,
    };
  },
});

/**
 * L [..., N, N] with L Lᵀ = A for symmetric, positive definite A [..., N, N], of which the lower triangle is
 * read. The gradient is that of a symmetric A.
 *
 * @throws LatentGpuError `shape-mismatch` if the matrices are not square
 * @example cholesky(mul(4, identity(2))) // [2, 0, 0, 2]
 */
export function cholesky(a: Tensor): Tensor {
  const [rows, columns] = a.shape.slice(-2);
  if (a.rank < 2 || rows !== columns || a.dtype !== 'f32') {
    throw new LatentGpuError('shape-mismatch', `cholesky: ${a} is not square matrices [..., N, N]`);
  }
  return new Tensor(choleskyOp, [a], a.shape, 'f32');
}
