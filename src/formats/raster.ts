// An image in memory, whatever its file was.
import { LatentGpuError } from '../errors.ts';

export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** `height × width × channels`, of 255, or of 65535 in an image of 16 bits. */
  readonly data: Uint8Array | Uint16Array;
}

/** Pixels of the largest image that is read. */
const MOST_PIXELS = 2 ** 26;

/** @throws LatentGpuError `bad-data` for an image that would take too much memory */
export function checkPixels(name: string, width: number, height: number): void {
  if (width * height <= MOST_PIXELS) return;
  throw new LatentGpuError('bad-data', `${name}: has ${width} × ${height} pixels; make it smaller`);
}
