// Images [B, H, W, C] of other extents: repeated pixels, and means or the largest of neighbours.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { expand, max, mean, reshape } from '../ops/index.ts';

/**
 * Each pixel `by` × `by` times: [B, H · by, W · by, C].
 *
 * @example nn.upsample(ops.zeros([1, 2, 2, 1])).shape // [1, 4, 4, 1]
 */
export function upsample(x: Tensor, by = 2): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const apart = reshape(x, [batch, height, 1, width, 1, channels]);
  const repeated = expand(apart, [batch, height, by, width, by, channels]);
  return reshape(repeated, [batch, height * by, width * by, channels]);
}

/**
 * The means of `by` × `by` pixels: [B, H / by, W / by, C]. @throws LatentGpuError `shape-mismatch`
 *
 * @example nn.averagePool(ops.reshape(ops.toFloat(ops.iota(4)), [1, 2, 2, 1])) // [1.5]
 */
export function averagePool(x: Tensor, by = 2): Tensor {
  return pooled(x, by, 'averagePool', mean);
}

/**
 * The largest of `by` × `by` pixels; a tie shares the gradient: [B, H / by, W / by, C].
 *
 * @throws LatentGpuError `shape-mismatch`
 * @example nn.maxPool(ops.reshape(ops.toFloat(ops.iota(4)), [1, 2, 2, 1])) // [3]
 */
export function maxPool(x: Tensor, by = 2): Tensor {
  return pooled(x, by, 'maxPool', max);
}

function pooled(x: Tensor, by: number, who: string, fold: typeof mean): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  if (height % by !== 0 || width % by !== 0) {
    throw new LatentGpuError('shape-mismatch', `${who}: ${by} does not divide ${x}`);
  }
  const cut = reshape(x, [batch, height / by, by, width / by, by, channels]);
  return reshape(fold(cut, [2, 4]), [batch, height / by, width / by, channels]);
}
