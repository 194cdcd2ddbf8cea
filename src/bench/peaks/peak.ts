// What a peak is: a kernel that does one thing, in several variants.
import type { BindingKind } from '../../device/index.ts';
import type { PeakKind, Work } from '../roofline.ts';

interface PeakBuffer {
  readonly kind: BindingKind;
  readonly bytes: number;
  readonly data?: ArrayBufferView;
}

export interface PeakVariant {
  readonly code: string;
  readonly workgroups: number;
  /** Of one dispatch. */
  readonly work: Work;
}

export interface Peak {
  readonly name: string;
  readonly kind: PeakKind;
  readonly buffers: readonly PeakBuffer[];
  readonly variants: readonly PeakVariant[];
  /** What the device or the language must offer for it. */
  readonly needs?: 'shader-f16' | 'packed_4x8_integer_dot_product';
}

/** A peak that cannot be measured here, and what is missing. */
export interface AbsentPeak {
  readonly name: string;
  readonly needs: string;
}

export const WORKGROUP = 64;
