// Products with the windows of images, which are cut out of them as they are read. Only the scheduler
// makes them, of convolutions; their gradients are those convolutions'.
import { WINDOW_PRODUCT, type WindowProduct } from '../graph/products.ts';
import { sizeOf } from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { tapsOf, type WindowedImage } from '../kernels/window.ts';

const windowProductOp = defineOp({ name: WINDOW_PRODUCT, kind: 'matmul' });

/** The numbers of a window. */
const widthOf = ({ window, image }: WindowedImage): number => tapsOf(window) * image[3];

/** Windows of images x, a row each, times weights [K, N], or [s², K, N] for s² phases: [(s²,) places, N]. */
export function windowsTimes(x: Tensor, weights: Tensor, of: WindowedImage): Tensor {
  const places = of.image[0] * sizeOf(of.window.out);
  const shape = [...weights.shape.slice(0, -2), places, weights.shape.at(-1) as number];
  const attrs: WindowProduct = { ...of, side: 0, terms: widthOf(of) };
  return new Tensor(windowProductOp, [x, weights], shape, 'f32', { ...attrs });
}

/** A matrix [M, places] times the windows of images x, a row each: [M, K]. */
export function timesWindows(a: Tensor, x: Tensor, of: WindowedImage): Tensor {
  const [rows, terms] = a.shape as [number, number];
  const attrs: WindowProduct = { ...of, side: 1, terms };
  return new Tensor(windowProductOp, [a, x], [rows, widthOf(of)], 'f32', { ...attrs });
}
