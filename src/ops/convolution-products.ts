// What convolutions are run as: products with the windows of images. Where pixels have a multiple of
// four channels, windows are cut out as a product reads them; of fewer channels they are copied first,
// which is then little.
import type { Tensor } from '../graph/tensor.ts';
import { type Image, tapsOf, type Window, type WindowedImage } from '../kernels/window.ts';
import { adjointWeights, phaseTaps } from './adjoint-weights.ts';
import { zeros } from './constant.ts';
import { matmul } from './matmul.ts';
import { overlapAdd, patchesOf } from './patches.ts';
import { concat, slice } from './pieces.ts';
import { reshape, transpose } from './views.ts';
import { timesWindows, windowsTimes } from './window-product.ts';

const isWindowed = (channels: number): boolean => channels % 4 === 0;

/** Whether places are pixels, each with a window of its own alone. */
function isPointwise({ kernel, stride, top, left, out }: Window, image: Image): boolean {
  const isWhole = top === 0 && left === 0 && out[0] === image[1] && out[1] === image[2];
  return kernel[0] * kernel[1] === 1 && stride === 1 && isWhole;
}

/** Weights [O, C, u, v] as a row for each of O: [O, u · v · C]. */
function flat(weight: Tensor): Tensor {
  return reshape(transpose(weight, [0, 2, 3, 1]), [weight.shape[0] as number, -1]);
}

/** A matrix with zeros after its rows or columns, so that products read and write whole quads. */
function inQuads(a: Tensor, axis: 0 | 1): Tensor {
  const rest = -(a.shape[axis] as number) & 3;
  if (rest === 0) return a;
  const shape = a.shape.map((extent, i) => (i === axis ? rest : extent));
  return concat([a, zeros(shape)], axis);
}

/** Windows of images [B, H, W, C] as rows of numbers in whole quads. */
function copied(x: Tensor, { window, image }: WindowedImage): Tensor {
  const width = Math.ceil((tapsOf(window) * image[3]) / 4) * 4;
  return reshape(patchesOf(x, { window, image, width }), [-1, width]);
}

/** y [places, O] of images x and weights w [O, C, u, v]. */
export function forward(x: Tensor, w: Tensor, of: WindowedImage): Tensor {
  const channels = of.image[3];
  const rows = flat(w);
  if (isPointwise(of.window, of.image)) {
    return matmul(reshape(x, [-1, channels]), transpose(rows));
  }
  if (isWindowed(channels)) return windowsTimes(x, transpose(rows), of);
  return matmul(copied(x, of), transpose(inQuads(rows, 1)));
}

/** The adjoint of {@link forward}: images x of y [B, i, j, O] and the same weights. */
export function backward(y: Tensor, w: Tensor, of: WindowedImage): Tensor {
  const { window, image } = of;
  const { kernel, stride, dilation, top, left } = window;
  const [images, height, width, channels] = image;
  const out = w.shape[0] as number;
  if (isPointwise(window, image)) {
    return reshape(matmul(reshape(y, [-1, out]), flat(w)), image);
  }
  const places: Image = [images, ...window.out, out];
  if (stride === 1) {
    // The mirrored window, back over the places.
    const mirrored: WindowedImage = {
      window: {
        ...window,
        top: (kernel[0] - 1) * dilation - top,
        left: (kernel[1] - 1) * dilation - left,
        out: [height, width],
      },
      image: places,
    };
    const weights = reshape(adjointWeights(w, window), [-1, channels]);
    const product = isWindowed(out)
      ? windowsTimes(y, weights, mirrored)
      : matmul(copied(y, mirrored), inQuads(weights, 0));
    return reshape(product, image);
  }
  // Fewer channels would leave most of a product's tile idle.
  if (dilation === 1 && isWindowed(out) && channels >= 4) return throughPhases(y, w, of);
  const products = matmul(reshape(y, [-1, out]), inQuads(flat(w), 1));
  return overlapAdd(reshape(products, [...places.slice(0, 3), -1]), window, image);
}

/**
 * Pixels p = i·S + phase get from tap u = S·n + (phase + T) mod S what lies at place i + ⌊(phase + T) / S⌋
 * - n: for each phase a convolution of its own over the places, with the taps that reach it.
 */
function throughPhases(y: Tensor, w: Tensor, { window, image }: WindowedImage): Tensor {
  const { stride, top, left } = window;
  const [images, height, width, channels] = image;
  const out = w.shape[0] as number;
  const taps = phaseTaps(window);
  const rows = [Math.ceil(height / stride), Math.ceil(width / stride)] as const;
  const product = windowsTimes(y, adjointWeights(w, window), {
    window: {
      kernel: taps,
      stride: 1,
      dilation: 1,
      top: taps[0] - 1,
      left: taps[1] - 1,
      out: rows,
    },
    image: [images, ...window.out, out],
    phases: { stride, shift: [top, left] },
  });
  const apart = reshape(product, [stride, stride, images, ...rows, channels]);
  const whole = reshape(transpose(apart, [2, 3, 0, 4, 1, 5]), [
    images,
    rows[0] * stride,
    rows[1] * stride,
    channels,
  ]);
  return slice(slice(whole, 1, 0, height), 2, 0, width);
}

/** The gradient of weights [O, C, u, v] for that of y [B, i, j, O], and images x. */
export function weights(x: Tensor, y: Tensor, of: WindowedImage): Tensor {
  const { window, image } = of;
  const channels = image[3];
  const out = y.shape[3] as number;
  const across = transpose(reshape(y, [-1, out]));
  const width = tapsOf(window) * channels;
  const product = isPointwise(window, image)
    ? matmul(across, reshape(x, [-1, channels]))
    : isWindowed(channels)
      ? timesWindows(across, x, of)
      : slice(matmul(across, copied(x, of)), 1, 0, width);
  return transpose(reshape(product, [out, ...window.kernel, channels]), [0, 3, 1, 2]);
}
