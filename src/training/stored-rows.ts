// What a data set holds, row by row, as the GPU is to have it: bytes stay bytes, what is binarised once
// and for all becomes bytes, labels are unsigned integers.
import { type ImageDataset, imageSize } from '../data/dataset.ts';
import { LatentGpuError } from '../errors.ts';
import { type Binarization, binarizeInto } from './binarize.ts';

const WHITE = 255;

export type StoredArray = Uint8Array | Uint32Array | Float32Array;

export interface Stored {
  readonly dtype: 'u8' | 'u32' | 'f32';
  /** Numbers in a row. */
  readonly width: number;
  /** All rows, [count, width]. */
  all(): StoredArray;
  /** Copies one row to `target`, from element `at` on. */
  copy(row: number, target: StoredArray, at: number): void;
}

/** As the GPU has them, rows of bytes start at multiples of four. */
export function elementsOfRow({ dtype, width }: Stored): number {
  return dtype === 'u8' ? Math.ceil(width / 4) * 4 : width;
}

export function bytesOfRow(stored: Stored): number {
  return elementsOfRow(stored) * (stored.dtype === 'u8' ? 1 : 4);
}

export function arrayOf({ dtype }: Stored, length: number): StoredArray {
  const types = { u8: Uint8Array, u32: Uint32Array, f32: Float32Array };
  return new types[dtype](length);
}

export class StoredLabels implements Stored {
  readonly dtype = 'u32';
  readonly width = 1;
  private readonly dataset: ImageDataset;

  constructor(dataset: ImageDataset) {
    this.dataset = dataset;
  }

  /** @throws LatentGpuError `bad-data` if a row has none */
  private get labels(): ArrayLike<number> {
    const { labels = [], count, name } = this.dataset;
    if (labels.length !== count) {
      throw new LatentGpuError('bad-data', `${name}: ${labels.length} labels for ${count} rows`);
    }
    return labels;
  }

  all(): Uint32Array {
    return Uint32Array.from(this.labels);
  }

  copy(row: number, target: StoredArray, at: number): void {
    target[at] = this.labels[row] as number;
  }
}

/** Where values are known: white where they are, which a kernel reads as 1. */
export class StoredMask implements Stored {
  readonly dtype = 'u8';
  readonly width: number;
  private readonly mask: Uint8Array;

  constructor(dataset: ImageDataset, mask: Uint8Array) {
    this.width = imageSize(dataset);
    this.mask = mask;
  }

  all(): Uint8Array {
    return this.mask.map((seen) => seen * WHITE);
  }

  copy(row: number, target: StoredArray, at: number): void {
    const from = row * this.width;
    for (let i = 0; i < this.width; i++) target[at + i] = (this.mask[from + i] as number) * WHITE;
  }
}

export class StoredRows implements Stored {
  readonly dtype: 'u8' | 'f32';
  readonly width: number;
  private readonly dataset: ImageDataset;
  private readonly binarization: Binarization;
  private readonly drawSeed: number;
  private bits: DrawnBits | undefined;

  constructor(dataset: ImageDataset, binarization: Binarization, drawSeed: number) {
    this.dataset = dataset;
    this.binarization = binarization;
    this.drawSeed = drawSeed;
    this.width = imageSize(dataset);
    const isBytes = this.isBinarized || dataset.data instanceof Uint8Array;
    this.dtype = isBytes ? 'u8' : 'f32';
  }

  private get isBinarized(): boolean {
    return this.binarization === 'once' || this.binarization === 'static';
  }

  all(): Uint8Array | Float32Array {
    const { data, count } = this.dataset;
    if (!this.isBinarized) return data;
    const bytes = new Uint8Array(data.length);
    this.binarize(bytes, 0, 0, count);
    return bytes;
  }

  copy(row: number, target: StoredArray, at: number): void {
    const { width } = this;
    if (this.binarization === 'once') {
      // A draw costs far more than a copy, so each is made once.
      this.bits ??= new DrawnBits(this.dataset.count, width);
      this.bits.copy(row, target, at, () => this.binarize(target, at, row, row + 1));
    } else if (this.binarization === 'static') {
      this.binarize(target, at, row, row + 1);
    } else {
      target.set(this.dataset.data.subarray(row * width, (row + 1) * width), at);
    }
  }

  private binarize(target: StoredArray, at: number, start: number, end: number) {
    binarizeInto(target, at, WHITE, this.dataset, start, end, this.binarization, this.drawSeed);
  }
}

/** Rows of 0 and white, a bit each, kept from the first time they are asked for. */
class DrawnBits {
  private readonly width: number;
  private readonly bytesPerRow: number;
  private readonly bits: Uint8Array;
  private readonly isKnown: Uint8Array;

  constructor(count: number, width: number) {
    this.width = width;
    this.bytesPerRow = Math.ceil(width / 8);
    this.bits = new Uint8Array(count * this.bytesPerRow);
    this.isKnown = new Uint8Array(count);
  }

  /** @param draw writes the row to its place in `target` */
  copy(row: number, target: StoredArray, at: number, draw: () => void): void {
    const { bits, width } = this;
    const from = row * this.bytesPerRow;
    if (this.isKnown[row]) {
      for (let i = 0; i < width; i++) {
        const bit = ((bits[from + (i >> 3)] as number) >> (i & 7)) & 1;
        target[at + i] = bit * WHITE;
      }
      return;
    }
    draw();
    for (let i = 0; i < width; i++) {
      if (target[at + i] === 0) continue;
      bits[from + (i >> 3)] = (bits[from + (i >> 3)] as number) | (1 << (i & 7));
    }
    this.isKnown[row] = 1;
  }
}
