// Windows over images, as the ops that describe them and the kernels that move them see them.
import type { Constants } from './specialize.ts';

/** A window over images [B, H, W, C], and the places it goes to. */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: number;
  /** Pixels from one tap to the next. */
  readonly dilation: number;
  /** Rows of zeros above and columns of zeros left of the image; below and right as many as needed. */
  readonly top: number;
  readonly left: number;
  /** Places of the window. */
  readonly out: readonly [number, number];
}

/** [B, H, W, C]. */
export type Image = readonly [number, number, number, number];

/** Images whose windows an operand of a product has as its rows. */
export interface WindowedImage {
  readonly window: Window;
  readonly image: Image;
  /** Of a product that goes back through a stride: that stride, and how far its phases are shifted. */
  readonly phases?: { readonly stride: number; readonly shift: readonly [number, number] };
}

export const tapsOf = ({ kernel }: Window): number => kernel[0] * kernel[1];

/** A number of pixels as kernels count: wrapped around below zero. */
const wrapped = (count: number): number => count >>> 0;

/** The constants of `lib/window`, in cells of so many channels. */
export function windowConstants(
  { kernel, stride, dilation, top, left, out }: Window,
  [images, height, width, channels]: Image,
  together: number,
) {
  return {
    IMAGES: images,
    HEIGHT: height,
    WIDTH: width,
    CELLS: channels / together,
    OUT_HEIGHT: out[0],
    OUT_WIDTH: out[1],
    KERNEL_HEIGHT: kernel[0],
    KERNEL_WIDTH: kernel[1],
    STRIDE: stride,
    DILATION: dilation,
    TOP: wrapped(top),
    LEFT: wrapped(left),
  } satisfies Constants<'lib/window'>;
}

/** The constants of an operand that is the windows of images. */
export function operandConstants({ window, image, phases }: WindowedImage) {
  return {
    ...windowConstants(window, image, 4),
    ...(phases && {
      PHASES: phases.stride,
      SHIFT_TOP: phases.shift[0],
      SHIFT_LEFT: phases.shift[1],
    }),
  } satisfies Constants<'lib/matmul_window'>;
}
