// What EM of mixtures does with every row: whitening it for each component, and summing up what it weighs.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, type KernelAdapter, Tensor } from '../graph/tensor.ts';
import { mostInvocations } from '../kernels/matmul.ts';
import {
  libSwapQuads,
  mixtureMoments,
  mixtureWhiten,
  mixtureWhitenSubgroup,
} from '../kernels/shaders.gen.ts';
import { unknownGradient } from './unknown-gradient.ts';

const quads = (extent: number): number => 4 * Math.ceil(extent / 4);

/** Subgroups that are a tile's four lanes. */
const exchanges = ({ subgroupSize, asksSubgroupSize }: KernelAdapter): boolean =>
  subgroupSize === 4 && !asksSubgroupSize;

const whitenOp = defineOp({
  name: 'whitenedRows',
  kind: 'kernel',
  vjp: unknownGradient('whitenedRows'),
  reference: ([x, mean, factor, scale], node) => {
    const result = ndarray(node.shape);
    const [components, rows, width] = extentsOf(node);
    const d = node.attrs.features as number;
    const padded = (x as NdArray).shape[1] as number;
    const share = sharing(node);
    const of = (a: NdArray | undefined, i: number) => (a as NdArray).data[i] as number;
    for (let k = 0; k < components; k++) {
      const first = Math.floor(k / share) * padded * padded;
      for (let b = 0; b < rows; b++) {
        const at = (k * rows + b) * width;
        let squares = 0;
        for (let i = 0; i < d; i++) {
          let y = 0;
          for (let j = 0; j <= i; j++) {
            y +=
              of(factor, first + j * padded + i) *
              (of(x, b * padded + j) - of(mean, k * padded + j));
          }
          result.data[at + i] = y;
          squares += y * y;
        }
        result.data[at + padded] = 1;
        result.data[at + padded + 1] = of(scale, k) - squares / 2;
      }
    }
    return result;
  },
  kernel: (node, adapter) => {
    const [COMPONENTS, B] = extentsOf(node);
    const D = node.attrs.features as number;
    const shared = { B, XQ: quads(D) / 4, COMPONENTS, SHARE: sharing(node) };
    const flops = COMPONENTS * B * D * (D + 5);
    if (exchanges(adapter)) {
      return {
        shader: mixtureWhitenSubgroup,
        constants: { ...shared, ROWS: 12 },
        workgroups: COMPONENTS * Math.ceil(B / 12),
        flops,
      };
    }
    const ROWS = adapter.isSoftware ? 8 : 4;
    const WORKGROUP = adapter.isSoftware ? 4 : Math.min(64, mostInvocations(adapter));
    return {
      shader: mixtureWhiten,
      constants: { ...shared, ROWS, WORKGROUP },
      workgroups: Math.ceil((COMPONENTS * Math.ceil(B / ROWS)) / WORKGROUP),
      flops,
    };
  },
});

/** Components of all mixtures, rows, numbers of a row of what is made. */
function extentsOf({ shape }: Tensor): [components: number, rows: number, width: number] {
  const [mixtures, components, rows, width] = shape as [number, number, number, number];
  return [mixtures * components, rows, width];
}

/** Components that share a factor. */
function sharing({ inputs }: Tensor): number {
  const [, mean, factor] = inputs as [Tensor, Tensor, Tensor];
  return (mean.shape[1] as number) / (factor.shape[1] as number);
}

/**
 * Of rows x [B, D'] under S mixtures of K components: y = P (x - μ), and then 1, scale - ½ yᵀ y, 0 and 0:
 * [S, K, B, D' + 4]. D' is D and zeros up to a multiple of four, as in all that is given.
 *
 * @param mean [S, K, D']
 * @param factor Pᵀ, upper triangles [S, K, D', D'], or [S, 1, D', D']
 * @param scale [S, K]
 * @param features D
 * @throws LatentGpuError `shape-mismatch`
 * @example whitenedRows(zeros([5, 4]), zeros([1, 3, 4]), zeros([1, 3, 4, 4]), zeros([1, 3]), 2).shape // [1, 3, 5, 8]
 */
export function whitenedRows(
  x: Tensor,
  mean: Tensor,
  factor: Tensor,
  scale: Tensor,
  features: number,
): Tensor {
  const [rows, padded] = x.shape as [number, number];
  const [mixtures, components] = mean.shape as [number, number];
  const copies = factor.shape[1] as number;
  const fits =
    x.rank === 2 &&
    padded === quads(features) &&
    String(mean.shape) === String([mixtures, components, padded]) &&
    String(factor.shape) === String([mixtures, copies, padded, padded]) &&
    (copies === 1 || copies === components) &&
    String(scale.shape) === String([mixtures, components]);
  if (!fits) {
    throw new LatentGpuError(
      'shape-mismatch',
      `whitenedRows: rows ${x}, means ${mean}, factors ${factor} and scales ${scale} do not go together for ${features} features`,
    );
  }
  const shape = [mixtures, components, rows, padded + 4];
  return new Tensor(whitenOp, [x, mean, factor, scale], shape, 'f32', { features });
}

/** Rows that one sum takes at most: several of them run side by side, and float32 keeps its digits. */
const LONGEST = 1024;

const momentsOp = defineOp({
  name: 'weighedMoments',
  kind: 'kernel',
  vjp: unknownGradient('weighedMoments'),
  reference: ([y, r], node) => {
    const result = ndarray(node.shape);
    const [splits, , , width] = node.shape as [number, number, number, number];
    const [components, rows] = extentsOf(node.inputs[0] as Tensor);
    const each = node.size / splits;
    const length = node.attrs.length as number;
    for (let k = 0; k < components; k++) {
      for (let b = 0; b < rows; b++) {
        const row = (y as NdArray).data.subarray(
          (k * rows + b) * width,
          (k * rows + b + 1) * width,
        );
        const weight = (r as NdArray).data[k * rows + b] as number;
        const at = Math.floor(b / length) * each + k * width * width;
        for (let i = 0; i < width; i++) {
          for (let j = 0; j < width; j++) {
            const place = at + i * width + j;
            result.data[place] =
              (result.data[place] as number) + weight * (row[i] as number) * (row[j] as number);
          }
        }
      }
    }
    return result;
  },
  kernel: (node, adapter) => {
    const [COMPONENTS, B, WIDTH] = extentsOf(node.inputs[0] as Tensor);
    const SPLITS = node.shape[0] as number;
    const shares = exchanges(adapter);
    const WORKGROUP = adapter.isSoftware || shares ? 4 : Math.min(64, mostInvocations(adapter));
    const tiles = Math.ceil(WIDTH / 12) * Math.ceil(WIDTH / 16) * COMPONENTS * SPLITS;
    return {
      shader: mixtureMoments,
      constants: { B, WIDTH, COMPONENTS, SPLITS, LENGTH: node.attrs.length as number, WORKGROUP },
      ...(shares && { hooks: { exchange: libSwapQuads } }),
      workgroups: Math.ceil((4 * tiles) / WORKGROUP),
      flops: COMPONENTS * B * WIDTH * (WIDTH + 1),
    };
  },
});

/**
 * Σ_b r y yᵀ of rows y [S, K, B, W], W a multiple of four, with weights r [S, K, B], of up to 1,024 rows at a
 * time: [parts, S · K, W, W].
 *
 * @throws LatentGpuError `shape-mismatch`
 * @example weighedMoments(full([1, 1, 3, 4], 1), full([1, 1, 3], 0.5)).shape // [1, 1, 4, 4]
 */
export function weighedMoments(y: Tensor, r: Tensor): Tensor {
  const [mixtures, components, rows, width] = y.shape as [number, number, number, number];
  if (y.rank !== 4 || width % 4 !== 0 || String(r.shape) !== String([mixtures, components, rows])) {
    throw new LatentGpuError(
      'shape-mismatch',
      `weighedMoments: rows ${y} and weights ${r} do not go together`,
    );
  }
  const length = quads(Math.ceil(rows / Math.ceil(rows / LONGEST)));
  const shape = [Math.ceil(rows / length), mixtures * components, width, width];
  return new Tensor(momentsOp, [y, r], shape, 'f32', { length });
}
