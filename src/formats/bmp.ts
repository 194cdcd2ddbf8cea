// Windows' bitmaps: greys and colours, with a palette or without, not compressed.
import { LatentGpuError } from '../errors.ts';
import { begins } from './image-signatures.ts';
import { checkPixels, type Raster } from './raster.ts';

/** Whether `bytes` begin as a bitmap does. */
export const isBmp = (bytes: Uint8Array): boolean => begins(bytes, 0, 'BM') && bytes.length > 26;

const CONVERT = 'convert it to PNG';

/**
 * Reads a bitmap of 1, 4, 8, 24 or 32 bits a pixel; a palette of greys makes a grey image. A fourth byte is no alpha,
 * unless the header says so, which nobody reads.
 *
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if it is no bitmap, is compressed, damaged or cut short
 */
export function readBmp(bytes: Uint8Array, name = 'BMP file'): Raster {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (!isBmp(bytes)) throw bad('not a bitmap (BM)');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [start, header] = [view.getUint32(10, true), view.getUint32(14, true)];
  if (header < 40 || bytes.length < 54) throw bad(`is of an old kind; ${CONVERT}`);
  const [width, signed] = [view.getInt32(18, true), view.getInt32(22, true)];
  const height = Math.abs(signed);
  const [bits, packing] = [view.getUint16(28, true), view.getUint32(30, true)];
  if (width < 1 || height < 1) throw bad('damaged (it has no size)');
  checkPixels(name, width, height);
  const isUsual =
    packing === 3 && bytes.length >= 66 && bits === 32 && [0, 4, 8].every(hasUsualMask);
  if ((packing !== 0 && !isUsual) || ![1, 4, 8, 24, 32].includes(bits))
    throw bad(`is compressed or of ${bits} bits a pixel; ${CONVERT}`);
  const perLine = 4 * Math.ceil((width * bits) / 32);
  if (start + perLine * height > bytes.length) throw bad('cut short');
  const colours = bits > 8 ? 0 : view.getUint32(46, true) || 2 ** bits;
  const palette = bytes.subarray(14 + header, 14 + header + 4 * colours);
  if (colours > 256 || palette.length < 4 * colours) throw bad('damaged (its palette)');
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, to = 0; y < height; y++) {
    // The lowest line comes first, unless the height is negative.
    const line = start + perLine * (signed > 0 ? height - 1 - y : y);
    for (let x = 0; x < width; x++, to += 3) {
      const at = line + ((x * bits) >> 3);
      const shift = 8 - bits - ((x * bits) & 7);
      const index = bits > 8 ? 0 : ((bytes[at] as number) >> shift) & (2 ** bits - 1);
      if (bits <= 8 && index >= colours) throw bad('damaged (a colour that its palette has not)');
      const [from, place] = bits > 8 ? [bytes, at] : [palette, 4 * index];
      for (let k = 0; k < 3; k++) data[to + k] = from[place + 2 - k] as number;
    }
  }
  const isGrey = bits <= 8 && data.every((value, i) => value === data[i - (i % 3)]);
  if (!isGrey) return { width, height, channels: 3, data };
  const grey = Uint8Array.from({ length: width * height }, (_, i) => data[3 * i] as number);
  return { width, height, channels: 1, data: grey };

  /** Red, green and blue as they lie where nothing is said. */
  function hasUsualMask(place: number): boolean {
    return view.getUint32(54 + place, true) === 0xff0000 >>> (2 * place);
  }
}
