// An image in memory, whatever its file was.

export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** `height × width × channels`, of 255, or of 65535 in an image of 16 bits. */
  readonly data: Uint8Array | Uint16Array;
}

/** Pixels of the largest image that is read. */
export const MOST_PIXELS = 2 ** 26;
