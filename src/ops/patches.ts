// Windows of images: with them a convolution is a matrix product, and its gradients are two more.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import type { Shape } from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import {
  overlapAdd as overlapAddKernel,
  patches as patchesKernel,
  type Shader,
} from '../kernels/shaders.gen.ts';
import { type Image, tapsOf, type Window, windowConstants } from '../kernels/window.ts';

/** `width`: numbers of a patch; what follows its taps is zeros, and is not read. */
type Attributes = Readonly<{ window: Window; image: Image; width: number }>;

const WORKGROUP = 64;

/** Visits each element of a patch that lies inside its image: its place in either. */
function forEachTap(
  { window, image, width: row }: Attributes,
  visit: (patch: number, pixel: number) => void,
): void {
  const { kernel, stride, dilation, top, left, out } = window;
  const [batch, height, width, channels] = image;
  const rest = row - tapsOf(window) * channels;
  let patch = 0;
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < out[0]; i++) {
      for (let j = 0; j < out[1]; j++, patch += rest) {
        for (let u = 0; u < kernel[0]; u++) {
          for (let v = 0; v < kernel[1]; v++, patch += channels) {
            const row = i * stride + u * dilation - top;
            const column = j * stride + v * dilation - left;
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            const pixel = ((b * height + row) * width + column) * channels;
            for (let c = 0; c < channels; c++) visit(patch + c, pixel + c);
          }
        }
      }
    }
  }
}

/** Channels that are moved at once: as many of 4, 2 or 1 as their number allows. */
const together = ([, , , channels]: Image): 4 | 2 | 1 =>
  channels % 4 === 0 ? 4 : channels % 2 === 0 ? 2 : 1;
const CELLS = { 4: 'vec4f', 2: 'vec2f', 1: 'f32' } as const;

const cellsOf = (image: Image): number => image[3] / together(image);

function setup<S extends 'patches' | 'overlap_add'>(
  shader: Shader<S>,
  { window, image, width }: Attributes,
  invocations: number,
) {
  return {
    shader,
    hooks: { cell: `alias Cell = ${CELLS[together(image)]};` },
    constants: {
      ...windowConstants(window, image, together(image)),
      ROW: width / together(image),
      WORKGROUP,
    },
    workgroups: Math.ceil(invocations / WORKGROUP),
    flops: 0,
  };
}

const patchShape = ({ window, image, width }: Attributes): number[] => [
  image[0],
  ...window.out,
  width,
];

const patchesOp = defineOp({
  name: 'patches',
  kind: 'kernel',
  vjp: (node, gradient) => {
    const { window, image } = node.attrs as Attributes;
    return [overlapAdd(gradient, window, image)];
  },
  reference: ([x], node) => {
    const result = ndarray(node.shape);
    forEachTap(node.attrs as Attributes, (patch, pixel) => {
      result.data[patch] = (x as NdArray).data[pixel] as number;
    });
    return result;
  },
  kernel: (node, { isSoftware }) => {
    const attrs = node.attrs as Attributes;
    const { out, kernel } = attrs.window;
    const LINES = isSoftware ? kernel[0] : 1;
    const invocations = (attrs.image[0] * out[0] * out[1] * kernel[0]) / LINES;
    const { constants, ...rest } = setup(patchesKernel, attrs, invocations);
    return { ...rest, constants: { ...constants, LINES } };
  },
});

const overlapAddOp = defineOp({
  name: 'overlapAdd',
  kind: 'kernel',
  vjp: (node, gradient) => [patchesOf(gradient, node.attrs as Attributes)],
  reference: ([y], node) => {
    const result = ndarray(node.shape);
    forEachTap(node.attrs as Attributes, (patch, pixel) => {
      result.data[pixel] = (result.data[pixel] as number) + ((y as NdArray).data[patch] as number);
    });
    return result;
  },
  kernel: (node) => {
    const attrs = node.attrs as Attributes;
    return setup(overlapAddKernel, attrs, (node.size / attrs.image[3]) * cellsOf(attrs.image));
  },
});

/**
 * The transpose of {@link patches}: values [B, H', W', taps · C or more] go back to the pixels of
 * images `image` [B, H, W, C], and are summed there.
 */
export function overlapAdd(y: Tensor, window: Window, image: Shape): Tensor {
  return new Tensor(overlapAddOp, [y], image, 'f32', { window, image, width: y.shape.at(-1) });
}

/** The windows of images: [B, H', W', width]. */
export function patchesOf(x: Tensor, attrs: Attributes): Tensor {
  return new Tensor(patchesOp, [x], patchShape(attrs), 'f32', attrs);
}

export interface PatchOptions {
  /** Rows and columns of the window; one number for a square. */
  kernel: number | readonly [number, number];
  /** Pixels from one place to the next. Default: 1. */
  stride?: number;
  /** Pixels from one tap to the next. Default: 1. */
  dilation?: number;
  /**
   * `same`: ⌈extent / stride⌉ places, zeros around the image (of an odd number the larger part below
   * and right). `valid`: only where the window lies inside. Or so many rows above and below, and columns
   * left and right. Default: `same`.
   */
  padding?: 'same' | 'valid' | number | readonly [number, number];
  /** Numbers of a patch, with zeros after the taps. Default: as many as the taps have. */
  width?: number;
}

/**
 * Where a window goes on images of the given height and width.
 *
 * @throws LatentGpuError `bad-config`
 * @example windowOf(28, 28, { kernel: 3, stride: 2 }).out // [14, 14]
 */
export function windowOf(height: number, width: number, options: PatchOptions): Window {
  const { kernel: given, stride = 1, dilation = 1, padding = 'same' } = options;
  const kernel: [number, number] = typeof given === 'number' ? [given, given] : [...given];
  const whole = [...kernel, stride, dilation].every((n) => Number.isInteger(n) && n >= 1);
  if (!whole) {
    const why = `kernel ${kernel.join('×')}, stride ${stride} and dilation ${dilation} must be whole numbers of at least 1`;
    throw new LatentGpuError('bad-config', `a convolution's ${why}`);
  }
  const zeros = typeof padding === 'number' ? [padding, padding] : padding;
  if (typeof zeros !== 'string' && !zeros.every((n) => Number.isInteger(n) && n >= 0)) {
    const why = `padding must be whole numbers of at least 0, not ${zeros.join('×')}`;
    throw new LatentGpuError('bad-config', `a convolution's ${why}`);
  }
  const along = (extent: number, axis: 0 | 1): { out: number; before: number } => {
    const reach = (kernel[axis] - 1) * dilation + 1;
    if (zeros !== 'same') {
      const before = zeros === 'valid' ? 0 : (zeros[axis] as number);
      return { out: Math.floor((extent + 2 * before - reach) / stride) + 1, before };
    }
    const out = Math.ceil(extent / stride);
    return { out, before: Math.floor(Math.max(0, (out - 1) * stride + reach - extent) / 2) };
  };
  const rows = along(height, 0);
  const columns = along(width, 1);
  if (rows.out < 1 || columns.out < 1) {
    const why = `${kernel.join('×')} does not fit into an image of ${height}×${width}`;
    throw new LatentGpuError('bad-config', `a convolution's window of ${why}; use padding 'same'`);
  }
  const out = [rows.out, columns.out] as const;
  return { kernel, stride, dilation, top: rows.before, left: columns.before, out };
}

/**
 * The windows of images [B, H, W, C]: [B, H', W', kernel height · kernel width · C], or wider.
 *
 * @throws LatentGpuError `shape-mismatch`, `bad-config`
 * @example patches(zeros([1, 4, 4, 3]), { kernel: 3 }).shape // [1, 4, 4, 27]
 */
export function patches(x: Tensor, options: PatchOptions): Tensor {
  if (x.rank !== 4 || x.dtype === 'u32') {
    throw new LatentGpuError('shape-mismatch', `patches: ${x} is not images [B, H, W, C]`);
  }
  const image = x.shape as unknown as Image;
  const window = windowOf(image[1], image[2], options);
  const taps = tapsOf(window) * image[3];
  const { width = taps } = options;
  if (width < taps || width % together(image) !== 0) {
    throw new LatentGpuError('shape-mismatch', `patches: ${taps} numbers do not fit into ${width}`);
  }
  return patchesOf(x, { window, image, width });
}
