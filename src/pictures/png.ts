// Pictures as PNG files.
import { encode } from 'fast-png';
import { LatentGpuError } from '../errors.ts';

/** A picture in memory: rows from the top, one byte (grey) or three (red, green, blue) a pixel. */
export interface Picture {
  width: number;
  height: number;
  channels: 1 | 3;
  /** `height × width × channels` bytes. */
  data: Uint8Array;
}

/**
 * Encodes a picture as an 8-bit grey or RGB PNG file.
 *
 * @throws LatentGpuError `bad-input` if the size does not describe the data
 * @example pictures.encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(255) })[0] // 137
 */
export function encodePng({ width, height, channels, data }: Picture): Uint8Array {
  if (width < 1 || height < 1 || width * height * channels !== data.length) {
    const why = `${width} × ${height} × ${channels} does not describe ${data.length} bytes`;
    throw new LatentGpuError('bad-input', `picture: ${why}`);
  }
  return encode({ width, height, channels, depth: 8, data });
}
