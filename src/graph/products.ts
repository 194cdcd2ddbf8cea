// What a product is of: matrices, or a matrix and the windows of images.
import type { WindowedImage } from '../kernels/window.ts';
import type { Tensor } from './tensor.ts';

/** What a product with windows carries beside its operands. */
export interface WindowProduct extends WindowedImage {
  /** Which operand is images. */
  readonly side: 0 | 1;
  /** Terms of each sum; of a part of a longer one, those of the part. */
  readonly terms: number;
}

export const WINDOW_PRODUCT = 'windowProduct';

/** What a product carries if it is one with windows. */
export const windowsOf = ({ op, attrs }: Tensor): WindowProduct | undefined =>
  op.name === WINDOW_PRODUCT ? (attrs as unknown as WindowProduct) : undefined;

/** Terms of each sum of a product. */
export const termsOf = (product: Tensor): number =>
  windowsOf(product)?.terms ?? ((product.inputs[0] as Tensor).shape.at(-1) as number);
