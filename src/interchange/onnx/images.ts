// Windows of images: cut out of the padded image tap by tap, or put back and summed.
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Window } from '../../ops/index.ts';
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
function canvas({ window: { kernel, stride, out } }: Attributes): [number, number] {
  return [(out[0] - 1) * stride + kernel[0], (out[1] - 1) * stride + kernel[1]];
}

function patches(to: Lowering, node: Tensor): string {
  const attributes = node.attrs as unknown as Attributes;
  const { window, image, width } = attributes;
  const { stride, top, left, out, kernel } = window;
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
    const end = [u + (out[0] - 1) * stride + 1, v + (out[1] - 1) * stride + 1, channels];
    return part(to, x, [u, v, 0], end, stride);
  });
  const joined = to.node('Concat', parts, { axis: 3 });
  const rest = width - kernel[0] * kernel[1] * channels;
  return padded(to, joined, [0, 0, 0, 0], [0, 0, 0, rest]);
}

function overlapAdd(to: Lowering, node: Tensor): string {
  const attributes = node.attrs as unknown as Attributes;
  const { window, image } = attributes;
  const { top, left, out, stride } = window;
  const [, height, width, channels] = image;
  if (stride !== 1) {
    throw new LatentGpuError(
      'bad-input',
      'it has strides that go back, for which ONNX has no node',
    );
  }
  const y = to.operand(node.inputs[0] as Tensor);
  const [tall, wide] = canvas(attributes).map((extent, i) =>
    Math.max(extent, i === 0 ? top + height : left + width),
  ) as [number, number];
  const parts = tapsOf(window).map(({ u, v, at }) => {
    const own = part(to, y, [0, 0, at * channels], [out[0], out[1], (at + 1) * channels]);
    return padded(to, own, [0, u, v, 0], [0, tall - u - out[0], wide - v - out[1], 0]);
  });
  const total = parts.reduce((sum, own) => to.node('Add', [sum, own]));
  return part(to, total, [top, left, 0], [top + height, left + width, channels]);
}

export const IMAGE_ROWS = { patches, overlapAdd } as const;
