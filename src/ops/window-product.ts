// Products with the windows of images, which are cut out of them as they are read. Only the scheduler
// makes them, of convolutions; their gradients are those convolutions'.
import { LatentGpuError } from '../errors.ts';
import { WINDOW_PRODUCT, type WindowProduct } from '../graph/products.ts';
import { sizeOf } from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { tapsOf, type WindowedImage } from '../kernels/window.ts';

const windowProductOp = defineOp({ name: WINDOW_PRODUCT, kind: 'matmul' });

/** The numbers of a window. */
const widthOf = ({ window, image }: WindowedImage): number => tapsOf(window) * image[3];

/** Places of windows, if kernels can count the numbers in all of them. @throws LatentGpuError `limit-exceeded` */
function placesOf(of: WindowedImage): number {
  const places = of.image[0] * sizeOf(of.window.out);
  const numbers = (of.phases?.stride ?? 1) ** 2 * places * widthOf(of);
  if (numbers < 2 ** 32) return places;
  throw new LatentGpuError(
    'limit-exceeded',
    `the windows of a convolution over [${of.image.join(', ')}] hold ${numbers} numbers, and kernels count to 2^32; use a smaller batch or smaller images`,
  );
}

/** Windows of images x, a row each, times weights [K, N], or [s², K, N] for s² phases: [(s²,) places, N]. */
export function windowsTimes(x: Tensor, weights: Tensor, of: WindowedImage): Tensor {
  const shape = [...weights.shape.slice(0, -2), placesOf(of), weights.shape.at(-1) as number];
  const attrs: WindowProduct = { ...of, side: 0, terms: widthOf(of) };
  return new Tensor(windowProductOp, [x, weights], shape, 'f32', { ...attrs });
}

/** A matrix [M, places] times the windows of images x, a row each: [M, K]. */
export function timesWindows(a: Tensor, x: Tensor, of: WindowedImage): Tensor {
  const [rows] = a.shape as [number, number];
  const terms = placesOf(of);
  const attrs: WindowProduct = { ...of, side: 1, terms };
  return new Tensor(windowProductOp, [a, x], [rows, widthOf(of)], 'f32', { ...attrs });
}
