// Convolutions, and windows of images: cut out of the padded image tap by tap. Images lie channels last
// here and channels first there.
import type { Tensor } from '../../graph/tensor.ts';
import type { Window } from '../../kernels/window.ts';
import type { Lowering } from './lowering.ts';

interface Attributes {
  readonly window: Window;
  readonly image: readonly [number, number, number, number];
  readonly width: number;
}

interface Tap {
  readonly u: number;
  readonly v: number;
  readonly at: number;
}

function tapsOf({ kernel }: Window): Tap[] {
  const taps: Tap[] = [];
  for (let u = 0; u < kernel[0]; u++) {
    for (let v = 0; v < kernel[1]; v++) taps.push({ u, v, at: taps.length });
  }
  return taps;
}

/** Zeros before and after each axis; nothing where there are none. */
function padded(to: Lowering, x: string, before: readonly number[], after: readonly number[]) {
  if ([...before, ...after].every((n) => n === 0)) return x;
  return to.node('Pad', [x, to.integers([...before, ...after], 'pads')]);
}

/** Part of the axes 1, 2 and 3, every so many rows and columns. */
function part(to: Lowering, x: string, from: readonly number[], end: readonly number[], by = 1) {
  const range = [from, end, [1, 2, 3], [by, by, 1]].map((at) => to.integers(at, 'range'));
  return to.node('Slice', [x, ...range]);
}

/** Extents of the image with its zeros, as far as windows reach. */
function canvas({ window: { kernel, stride, dilation, out } }: Attributes): [number, number] {
  const along = (axis: 0 | 1) => (out[axis] - 1) * stride + (kernel[axis] - 1) * dilation + 1;
  return [along(0), along(1)];
}

function patches(to: Lowering, node: Tensor): string {
  const attributes = node.attrs as unknown as Attributes;
  const { window, image, width } = attributes;
  const { stride, dilation, top, left, out, kernel } = window;
  const [, height, columns, channels] = image;
  const [tall, wide] = canvas(attributes);
  const below = Math.max(0, tall - height - top);
  const right = Math.max(0, wide - columns - left);
  const x = padded(
    to,
    to.operand(node.inputs[0] as Tensor),
    [0, top, left, 0],
    [0, below, right, 0],
  );
  const parts = tapsOf(window).map(({ u, v }) => {
    const [row, column] = [u * dilation, v * dilation];
    const end = [row + (out[0] - 1) * stride + 1, column + (out[1] - 1) * stride + 1, channels];
    return part(to, x, [row, column, 0], end, stride);
  });
  const joined = to.node('Concat', parts, { axis: 3 });
  const rest = width - kernel[0] * kernel[1] * channels;
  return padded(to, joined, [0, 0, 0, 0], [0, 0, 0, rest]);
}

/** Channels first and last again, around a node of images. */
function channelsFirst(to: Lowering, x: Tensor, node: (image: string) => string): string {
  const image = to.node('Transpose', [to.operand(x)], { perm: [0, 3, 1, 2] });
  return to.node('Transpose', [node(image)], { perm: [0, 2, 3, 1] });
}

/** Pixels that a window's places take along an axis, and how many of them lie after the image. */
function reach({ window, image }: Omit<Attributes, 'width'>, axis: 0 | 1): number {
  const { stride, dilation, kernel, out, top, left } = window;
  const taken = (out[axis] - 1) * stride + (kernel[axis] - 1) * dilation + 1;
  return taken - (image[axis + 1] as number) - [top, left][axis]!;
}

function shared({ stride, dilation, kernel, top, left }: Window, below: number, right: number) {
  return {
    kernel_shape: [...kernel],
    strides: [stride, stride],
    dilations: [dilation, dilation],
    pads: [top, left, Math.max(0, below), Math.max(0, right)],
  };
}

function convolution(to: Lowering, node: Tensor): string {
  const attributes = node.attrs as unknown as Attributes;
  const [x, w] = node.inputs as [Tensor, Tensor];
  const keys = shared(attributes.window, reach(attributes, 0), reach(attributes, 1));
  return channelsFirst(to, x, (image) => to.node('Conv', [image, to.operand(w)], keys));
}

/** Places that go back to fewer pixels than there are leave the rest to `output_padding`. */
function convolutionAdjoint(to: Lowering, node: Tensor): string {
  const attributes = node.attrs as unknown as Attributes;
  const [y, w] = node.inputs as [Tensor, Tensor];
  const [below, right] = [reach(attributes, 0), reach(attributes, 1)];
  const keys = {
    ...shared(attributes.window, below, right),
    output_padding: [Math.max(0, -below), Math.max(0, -right)],
  };
  return channelsFirst(to, y, (image) => to.node('ConvTranspose', [image, to.operand(w)], keys));
}

export const IMAGE_ROWS = { patches, convolution, convolutionAdjoint } as const;
