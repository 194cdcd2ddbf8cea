// Netpbm's images: bits, greys and colours, as text or as bytes (.pbm, .pgm, .ppm).
import { LatentGpuError } from '../errors.ts';
import { checkPixels, type Raster } from './raster.ts';

/** Whether `bytes` begin as an image of Netpbm does. */
export const isPnm = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && (bytes[1] ?? 0) >= 0x31 && (bytes[1] ?? 0) <= 0x36 && isBlank(bytes[2] ?? 0);

const isBlank = (byte: number) => byte === 0x20 || (byte >= 9 && byte <= 13);

/** Numbers between blanks and comments, one after the other. */
class Words {
  private readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** @param most digits of a number: bits need nothing between them */
  next(most = 9): number {
    const { bytes } = this;
    while (isBlank(bytes[this.at] ?? 0) || bytes[this.at] === 0x23) {
      if (bytes[this.at] !== 0x23) this.at += 1;
      else while (this.at < bytes.length && bytes[this.at] !== 0x0a) this.at += 1;
    }
    let value = 0;
    let digits = 0;
    for (let digit = this.digit(); digit >= 0 && digits < most; digit = this.digit()) {
      value = 10 * value + digit;
      digits += 1;
      this.at += 1;
    }
    return digits > 0 ? value : Number.NaN;
  }

  private digit(): number {
    const digit = (this.bytes[this.at] ?? 0) - 0x30;
    return digit >= 0 && digit <= 9 ? digit : -1;
  }
}

/**
 * Reads the first image of a .pbm, .pgm or .ppm file. Values are brought to 0 … 255, those of more than eight bits to
 * 0 … 65535.
 *
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if it is no such file, is damaged or cut short
 */
export function readPnm(bytes: Uint8Array, name = 'PNM file'): Raster {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (!isPnm(bytes)) throw bad('not an image of Netpbm (P1 to P6)');
  const kind = (bytes[1] as number) - 0x30;
  const [isBits, isText] = [kind % 3 === 1, kind <= 3];
  const words = new Words(bytes, 2);
  const [width, height] = [words.next(), words.next()];
  const white = isBits ? 1 : words.next();
  const isSize = width > 0 && height > 0;
  if (!isSize || !(white > 0 && white <= 65535)) throw bad('damaged (its header)');
  checkPixels(name, width, height);
  const channels = kind % 3 === 0 ? 3 : 1;
  const count = width * height * channels;
  const isDeep = white > 255;
  const Type = isDeep ? Uint16Array : Uint8Array;
  const scale = (isDeep ? 65535 : 255) / white;
  const data = new Type(count);
  // One blank ends the header.
  const start = words.at + 1;
  const perLine = Math.ceil(width / 8);
  const need = isBits ? perLine * height : count * (isDeep ? 2 : 1);
  if (!isText && bytes.length - start < need) throw bad('cut short');
  for (let i = 0; i < count; i++) {
    let value: number;
    if (isText) value = words.next(isBits ? 1 : 9);
    else if (isBits) {
      const [y, x] = [Math.floor(i / width), i % width];
      value = ((bytes[start + y * perLine + (x >> 3)] as number) >> (7 - (x & 7))) & 1;
    } else if (isDeep)
      value = 256 * (bytes[start + 2 * i] as number) + (bytes[start + 2 * i + 1] as number);
    else value = bytes[start + i] as number;
    if (!(value <= white)) throw bad(Number.isNaN(value) ? 'cut short' : 'damaged (a value)');
    // Of bits, one is black.
    data[i] = Math.round(scale * (isBits ? 1 - value : value));
  }
  return { width, height, channels, data };
}
