// Convolutions as matrix products: of patches, or of pixels whose products are summed afterwards,
// whichever moves less.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { zeros } from './constant.ts';
import { matmul } from './matmul.ts';
import { mirrorTaps } from './mirror-taps.ts';
import { overlapAdd, type PatchOptions, patches, windowOf } from './patches.ts';
import { concat } from './pieces.ts';
import { reshape, transpose } from './views.ts';

/**
 * Cross-correlation of images [B, H, W, in] with weights [out, in, kernel height, kernel width]:
 * [B, H', W', out].
 *
 * @param options the kernel's extents are the weight's
 * @throws LatentGpuError `shape-mismatch`, `bad-config`
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  options: Omit<PatchOptions, 'kernel'> = {},
): Tensor {
  const [out, channels, height, width] = weight.shape as [number, number, number, number];
  if (x.rank !== 4 || weight.rank !== 4 || x.shape[3] !== channels) {
    throw new LatentGpuError(
      'shape-mismatch',
      `conv2d: ${x} is not images [B, H, W, in] for weights [out, in, height, width], ${weight}`,
    );
  }
  const [batch, rows, columns] = x.shape as [number, number, number, number];
  const kernel = [height, width] as const;
  const window = windowOf(rows, columns, { ...options, kernel });
  const shape = [batch, ...window.out, out];
  const taps = height * width;
  const isPlain = window.stride === 1 && options.padding !== 'valid';
  if (isPlain && taps === 1) {
    const flat = reshape(weight, [out, channels]);
    return reshape(matmul(reshape(x, [-1, channels]), transpose(flat)), shape);
  }
  if (isPlain && height % 2 === 1 && width % 2 === 1 && out < channels) {
    // Each pixel times every tap's weight, then the sum of what neighbours have for it.
    const mirrored = inQuads(mirrorTaps(weight), 0);
    const products = matmul(reshape(x, [-1, channels]), transpose(mirrored));
    return overlapAdd(reshape(products, [batch, ...window.out, -1]), window, shape);
  }
  const flat = inQuads(reshape(transpose(weight, [0, 2, 3, 1]), [out, taps * channels]), 1);
  const row = flat.shape[1] as number;
  const windows = reshape(patches(x, { ...options, kernel, width: row }), [-1, row]);
  return reshape(matmul(windows, transpose(flat)), shape);
}

/** A matrix with zeros after its rows or columns, so that products read and write whole quads. */
function inQuads(a: Tensor, axis: 0 | 1): Tensor {
  const rest = -(a.shape[axis] as number) & 3;
  if (rest === 0) return a;
  const shape = a.shape.map((extent, i) => (i === axis ? rest : extent));
  return concat([a, zeros(shape)], axis);
}
