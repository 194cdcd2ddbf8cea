// The inverse of a causal convolution: a triangular system over the pixels of an image.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { mostInvocations } from '../kernels/matmul.ts';
import { causalSolve as causalSolveKernel } from '../kernels/shaders.gen.ts';
import { mul, neg, sub } from './arithmetic.ts';
import { greaterEqual, lessEqual } from './comparison.ts';
import { toFloat } from './integers.ts';
import { matmul } from './matmul.ts';
import { checkTypes } from './operand-type.ts';
import { patches } from './patches.ts';
import { iota } from './random.ts';
import { unknownGradient } from './unknown-gradient.ts';
import { reshape, transpose } from './views.ts';

interface Attributes {
  readonly reversed: boolean;
  readonly transposed: boolean;
}

type Extents = readonly [height: number, width: number, channels: number];

const attributesOf = (node: Tensor) => node.attrs as unknown as Attributes;

/** Weight element for (channel made, tap, channel seen), as the shader reads it. */
function weightReader(w: NdArray, { reversed, transposed }: Attributes) {
  const [channels, kernel] = w.shape as [number, number];
  const last = kernel * kernel - 1;
  return (made: number, tap: number, seen: number): number => {
    const t = reversed !== transposed ? last - tap : tap;
    const [m, s] = reversed ? [channels - 1 - made, channels - 1 - seen] : [made, seen];
    const at = transposed
      ? (s * (last + 1) + t) * channels + m
      : (m * (last + 1) + t) * channels + s;
    return w.data[at] as number;
  };
}

function solveImage(
  y: Float64Array,
  x: Float64Array,
  [height, width, channels]: Extents,
  kernel: number,
  weight: (made: number, tap: number, seen: number) => number,
  reversed: boolean,
): void {
  const half = Math.floor(kernel / 2);
  const center = half * kernel + half;
  const at = (row: number, column: number, channel: number) => {
    const forward = (row * width + column) * channels + channel;
    return reversed ? y.length - 1 - forward : forward;
  };
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let c = 0; c < channels; c++) {
        let rest = y[at(row, column, c)] as number;
        for (let tap = 0; tap <= center; tap++) {
          const r = row + Math.floor(tap / kernel) - half;
          const q = column + (tap % kernel) - half;
          if (r < 0 || r >= height || q < 0 || q >= width) continue;
          const seen = tap === center ? c : channels;
          for (let d = 0; d < seen; d++) rest -= weight(c, tap, d) * (x[at(r, q, d)] as number);
        }
        x[at(row, column, c)] = rest / weight(c, center, c);
      }
    }
  }
}

const solveOp = defineOp({
  name: 'causalSolve',
  kind: 'kernel',
  vjp: (node, gradient) => {
    const [, w] = node.inputs as [Tensor, Tensor];
    const { reversed, transposed } = attributesOf(node);
    if (transposed) return unknownGradient('a gradient of causalSolve')();
    const [channels, kernel] = w.shape as [number, number];
    // x = A⁻¹ y: dy = A⁻ᵀ g, and dA = -dy xᵀ, of which A has what lies in order.
    const dy = new Tensor(solveOp, [gradient, w], node.shape, 'f32', {
      reversed: !reversed,
      transposed: true,
    });
    const windows = reshape(patches(node, { kernel }), [-1, kernel * kernel * channels]);
    const whole = neg(matmul(transpose(reshape(dy, [-1, channels])), windows));
    return [dy, reshape(mul(whole, inOrder(channels, kernel, reversed)), w.shape)];
  },
  reference: ([y, w], node) => {
    const attributes = attributesOf(node);
    const result = ndarray(node.shape);
    const [batch, ...image] = node.shape as [number, number, number, number];
    const size = node.size / batch;
    const weight = weightReader(w as NdArray, attributes);
    const kernel = (w as NdArray).shape[1] as number;
    for (let b = 0; b < batch; b++) {
      const part = (data: Float64Array) => data.subarray(b * size, (b + 1) * size);
      solveImage(
        part((y as NdArray).data),
        part(result.data),
        image,
        kernel,
        weight,
        attributes.reversed,
      );
    }
    return result;
  },
  kernel: (node, adapter) => {
    const { reversed, transposed } = attributesOf(node);
    const [BATCH, HEIGHT, WIDTH, CHANNELS] = node.shape as [number, number, number, number];
    const KERNEL = (node.inputs[1] as Tensor).shape[1] as number;
    // As many pixels as a wave can have; without a GPU images are worked on side by side instead.
    const most = 2 ** Math.ceil(Math.log2(Math.min(HEIGHT, mostInvocations(adapter))));
    const WORKGROUP = adapter.isSoftware ? 1 : most;
    const rows = Math.ceil(HEIGHT / WORKGROUP);
    const taps = Math.floor(KERNEL ** 2 / 2);
    const pixel = CHANNELS * (1 + taps * (1 + CHANNELS) + CHANNELS / 2);
    return {
      shader: causalSolveKernel,
      constants: {
        BATCH,
        HEIGHT,
        WIDTH,
        CHANNELS,
        KERNEL,
        REVERSED: String(reversed),
        TRANSPOSED: String(transposed),
        WORKGROUP,
      },
      workgroups: BATCH,
      flops: node.size * KERNEL * KERNEL * CHANNELS,
      turns: rows * (WIDTH * pixel + WIDTH + HEIGHT * KERNEL),
    };
  },
});

/**
 * Which weights [C, K·K·C] of a causal convolution count: those of taps before the centre, and of the
 * centre's the channels up to a row's own; `reversed`: after it, and from its own on.
 *
 * @example inOrder(1, 3, false) // [1, 1, 1, 1, 1, 0, 0, 0, 0]
 */
export function inOrder(channels: number, kernel: number, reversed: boolean): Tensor {
  const center = Math.floor((kernel * kernel) / 2) * channels;
  const columns = toFloat(reshape(iota(kernel * kernel * channels), [1, -1]));
  const rows = toFloat(reshape(iota(channels), [channels, 1]));
  const compare = reversed ? greaterEqual : lessEqual;
  return compare(sub(columns, center), rows);
}

/**
 * The images x [B, H, W, C] with causal convolution y: see shaders/causal_solve.wgsl.
 *
 * @param w [C, K, K, C], K odd: channel made, tap, channel seen; only what is in order is read, and
 *   no w[c, centre, c] may be 0
 * @param options `reversed`: raster order from the last pixel's last channel
 * @throws LatentGpuError `shape-mismatch`
 * @example causalSolve(zeros([1, 4, 4, 2]), full([2, 3, 3, 2], 1)).shape // [1, 4, 4, 2]
 */
export function causalSolve(y: Tensor, w: Tensor, options: { reversed?: boolean } = {}): Tensor {
  const channels = y.shape[3];
  const [made, kernel, width, seen] = w.shape;
  const fits =
    y.rank === 4 && w.rank === 4 && made === channels && seen === channels && kernel === width;
  if (!fits || (kernel as number) % 2 !== 1) {
    const why = `needs images [B, H, W, C] and weights [C, K, K, C] with K odd, not ${y} and ${w}`;
    throw new LatentGpuError('shape-mismatch', `causalSolve ${why}`);
  }
  checkTypes('causalSolve', [y, w]);
  const { reversed = false } = options;
  return new Tensor(solveOp, [y, w], y.shape, 'f32', { reversed, transposed: false });
}
