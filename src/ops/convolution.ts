// Convolutions over images with channels last. One trilinear form, Σ w[o, c, u, v] · x[b, i·S + u·D - T,
// j·S + v·D - L, c] · y[b, i, j, o], has three derivatives, and each is an op: with respect to y the
// convolution, to x its adjoint (a transposed convolution, the gradient of the input), to w the gradient
// of the weight. Their gradients are each other.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import type { Shape } from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import type { Image, Window } from '../kernels/window.ts';
import { mul } from './arithmetic.ts';
import { backward, forward, weights } from './convolution-products.ts';
import { identity } from './one-hot.ts';
import { checkTypes } from './operand-type.ts';
import { type PatchOptions, windowOf } from './patches.ts';
import { reshape } from './views.ts';

export interface ConvolutionOptions extends Omit<PatchOptions, 'kernel' | 'width'> {
  /** Parts that channels are cut into, each with weights of its own. Default: 1. */
  groups?: number;
}

/** The form that a convolution is of: images x, their window, channels of y. */
interface Form {
  readonly window: Window;
  readonly image: Image;
  readonly out: number;
}

const formOf = (node: Tensor) => node.attrs as unknown as Form;

const weightShape = ({ window, image, out }: Form): Shape => [out, image[3], ...window.kernel];
const outShape = ({ window, image, out }: Form): Shape => [image[0], ...window.out, out];

/** Visits every term of the form, by the places of its three factors. */
function forEachTerm(
  { window, image, out }: Form,
  visit: (x: number, w: number, y: number) => void,
): void {
  const { kernel, stride, dilation, top, left, out: places } = window;
  const [images, height, width, channels] = image;
  const taps = kernel[0] * kernel[1];
  for (let place = 0; place < images * places[0] * places[1]; place++) {
    const line = Math.floor(place / places[1]);
    const b = Math.floor(line / places[0]);
    for (let tap = 0; tap < taps; tap++) {
      const row = (line % places[0]) * stride + Math.floor(tap / kernel[1]) * dilation - top;
      const column = (place % places[1]) * stride + (tap % kernel[1]) * dilation - left;
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const pixel = ((b * height + row) * width + column) * channels;
      for (let o = 0; o < out; o++) {
        for (let c = 0; c < channels; c++) {
          visit(pixel + c, (o * channels + c) * taps + tap, place * out + o);
        }
      }
    }
  }
}

/** The derivative with respect to one factor, of values of the two others. */
function summed(
  node: Tensor,
  a: NdArray,
  b: NdArray,
  at: (x: number, w: number, y: number) => [to: number, a: number, b: number],
): NdArray {
  const result = ndarray(node.shape);
  forEachTerm(formOf(node), (...places) => {
    const [to, i, k] = at(...places);
    const term = (a.data[i] as number) * (b.data[k] as number);
    result.data[to] = (result.data[to] as number) + term;
  });
  return result;
}

const convolutionOp = defineOp({
  name: 'convolution',
  kind: 'composed',
  vjp: (node, gradient) => {
    const [x, w] = node.inputs as [Tensor, Tensor];
    return [adjoint(gradient, w, formOf(node)), weightGradient(x, gradient, formOf(node))];
  },
  reference: ([x, w], node) =>
    summed(node, x as NdArray, w as NdArray, (i, weight, y) => [y, i, weight]),
  composed: ({ inputs, attrs, shape }) => {
    const { window, image } = attrs as unknown as Form;
    return reshape(forward(inputs[0] as Tensor, inputs[1] as Tensor, { window, image }), shape);
  },
});

const adjointOp = defineOp({
  name: 'convolutionAdjoint',
  kind: 'composed',
  vjp: (node, gradient) => {
    const [y, w] = node.inputs as [Tensor, Tensor];
    return [convolution(gradient, w, formOf(node)), weightGradient(gradient, y, formOf(node))];
  },
  reference: ([y, w], node) =>
    summed(node, y as NdArray, w as NdArray, (x, weight, i) => [x, i, weight]),
  composed: ({ inputs, attrs }) => {
    const { window, image } = attrs as unknown as Form;
    return backward(inputs[0] as Tensor, inputs[1] as Tensor, { window, image });
  },
});

const weightGradientOp = defineOp({
  name: 'convolutionWeights',
  kind: 'composed',
  vjp: (node, gradient) => {
    const [x, y] = node.inputs as [Tensor, Tensor];
    return [adjoint(y, gradient, formOf(node)), convolution(x, gradient, formOf(node))];
  },
  reference: ([x, y], node) =>
    summed(node, x as NdArray, y as NdArray, (i, weight, k) => [weight, i, k]),
  composed: ({ inputs, attrs }) => {
    const { window, image } = attrs as unknown as Form;
    return weights(inputs[0] as Tensor, inputs[1] as Tensor, { window, image });
  },
});

const convolution = (x: Tensor, w: Tensor, form: Form): Tensor =>
  new Tensor(convolutionOp, [x, w], outShape(form), 'f32', { ...form });

const adjoint = (y: Tensor, w: Tensor, form: Form): Tensor =>
  new Tensor(adjointOp, [y, w], form.image, 'f32', { ...form });

const weightGradient = (x: Tensor, y: Tensor, form: Form): Tensor =>
  new Tensor(weightGradientOp, [x, y], weightShape(form), 'f32', { ...form });

/** Weights of groups [G · O, C, …] as those of one: [G · O, G · C, …], zero between groups. */
function ungrouped(weight: Tensor, groups: number): Tensor {
  if (groups === 1) return weight;
  const [out, channels, ...kernel] = weight.shape as [number, number, number, number];
  const taps = kernel[0] * kernel[1];
  const blocks = mul(
    reshape(weight, [groups, out / groups, 1, channels * taps]),
    reshape(identity(groups), [groups, 1, groups, 1]),
  );
  return reshape(blocks, [out, groups * channels, ...kernel]);
}

function checkGroups(what: string, groups: number, channels: number): void {
  if (Number.isInteger(groups) && groups >= 1 && channels % groups === 0) return;
  const why = `${channels} channels cannot be cut into ${groups} groups`;
  throw new LatentGpuError('bad-config', `${what}: ${why}`);
}

/**
 * Cross-correlation of images [B, H, W, in] with weights [out, in / groups, kernel height, kernel
 * width]: [B, H', W', out].
 *
 * @param options the kernel's extents are the weight's
 * @throws LatentGpuError `shape-mismatch`, `bad-config`
 * @example conv2d(full([1, 3, 3, 1], 1), full([1, 1, 3, 3], 1)) // [4, 6, 4, 6, 9, 6, 4, 6, 4]
 */
export function conv2d(x: Tensor, weight: Tensor, options: ConvolutionOptions = {}): Tensor {
  const { groups = 1 } = options;
  checkTypes('conv2d', [x, weight]);
  const [out, channels, height, width] = weight.shape as [number, number, number, number];
  if (x.rank !== 4 || weight.rank !== 4 || x.shape[3] !== channels * groups) {
    const wanted = groups === 1 ? 'in' : `in / ${groups}`;
    throw new LatentGpuError(
      'shape-mismatch',
      `conv2d: ${x} is not images [B, H, W, in] for weights [out, ${wanted}, height, width], ${weight}`,
    );
  }
  checkGroups('conv2d', groups, out);
  const [, rows, columns] = x.shape as unknown as Image;
  const window = windowOf(rows, columns, { ...options, kernel: [height, width] });
  const form = { window, image: x.shape as unknown as Image, out };
  return convolution(x, ungrouped(weight, groups), form);
}

/**
 * The adjoint of a convolution, also called a transposed one: images [B, H, W, in] and weights [in, out /
 * groups, kernel height, kernel width] to [B, H', W', out], where a convolution with these options takes
 * H' × W' pixels to H × W places.
 *
 * @param options `extents`: H' and W'; default: H · stride and W · stride where padding is `same`, else
 *   as few as there may be
 * @throws LatentGpuError `shape-mismatch`, `bad-config`
 * @example convTranspose2d(full([1, 1, 1, 1], 2), full([1, 1, 2, 2], 1), { stride: 2 }) // [2, 2, 2, 2]
 */
export function convTranspose2d(
  y: Tensor,
  weight: Tensor,
  options: ConvolutionOptions & { extents?: readonly [number, number] } = {},
): Tensor {
  const { groups = 1, stride = 1, dilation = 1, padding = 'same' } = options;
  checkTypes('convTranspose2d', [y, weight]);
  const [channels, part, ...kernel] = weight.shape as [number, number, number, number];
  if (y.rank !== 4 || weight.rank !== 4 || y.shape[3] !== channels) {
    throw new LatentGpuError(
      'shape-mismatch',
      `convTranspose2d: ${y} is not images [B, H, W, in] for weights [in, out, height, width], ${weight}`,
    );
  }
  checkGroups('convTranspose2d', groups, channels);
  const [images, ...places] = y.shape.slice(0, 3) as [number, number, number];
  const least = (axis: 0 | 1): number => {
    if (padding === 'same') return (places[axis] as number) * stride;
    const zeros = padding === 'valid' ? 0 : typeof padding === 'number' ? padding : padding[axis];
    const reach = ((kernel[axis] as number) - 1) * dilation + 1;
    return ((places[axis] as number) - 1) * stride + reach - 2 * zeros;
  };
  const extents = options.extents ?? [least(0), least(1)];
  if (!extents.every((extent) => Number.isInteger(extent) && extent >= 1)) {
    const why = `images of ${extents.join('×')} have no pixel; take less padding`;
    throw new LatentGpuError('bad-config', `convTranspose2d: ${why}`);
  }
  const window = windowOf(extents[0], extents[1], { ...options, kernel });
  if (window.out.join() !== places.join()) {
    const why = `images of ${places.join('×')} do not come from ${extents.join('×')}`;
    throw new LatentGpuError('bad-config', `convTranspose2d: ${why} by stride ${stride}`);
  }
  const image: Image = [images, ...extents, part * groups];
  return adjoint(y, ungrouped(weight, groups), { window, image, out: channels });
}
