// PNG files made by hand, so that tests can have what no encoder writes.
import { crc32, deflateSync } from 'node:zlib';

export interface Header {
  width: number;
  height: number;
  depth?: number;
  /** 0 grey, 2 colour, 3 palette, 4 grey and alpha, 6 colour and alpha. */
  type?: number;
  interlace?: number;
}

export function chunk(kind: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/**
 * A PNG file with any header over any lines.
 *
 * @param lines their bytes, a filter byte before each
 * @param more chunks between header and data
 */
export function png(
  { width, height, depth = 8, type = 0, interlace = 0 }: Header,
  lines: Uint8Array,
  more: readonly Uint8Array[] = [],
): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([depth, type, 0, 0, interlace], 8);
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    ...more,
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', new Uint8Array()),
  ];
  return new Uint8Array(Buffer.concat(parts));
}

/** The seven passes of an interlaced image (PNG specification, chapter 8), without those that are empty. */
export function adam7(pixels: readonly (readonly number[])[]): number[][][] {
  // The pass of each pixel of a square of 8, from 1.
  const square = ['16462646', '77777777', '56565656', '77777777', '36463646', '77777777'];
  square.push('56565656', '77777777');
  return [1, 2, 3, 4, 5, 6, 7]
    .map((pass) =>
      pixels
        .map((line, y) => line.filter((_, x) => Number(square[y % 8]?.[x % 8]) === pass))
        .filter((line) => line.length > 0),
    )
    .filter((lines) => lines.length > 0);
}

/** Lines of pixels of less than 8 bits, packed and filtered, the filter's byte before each. */
export function filtered(
  lines: readonly (readonly number[])[],
  depth: number,
  filter: () => number,
): number[] {
  let above: number[] = [];
  return lines.flatMap((line) => {
    const packed = Array<number>(Math.ceil((line.length * depth) / 8)).fill(0);
    line.forEach((value, x) => {
      const bit = x * depth;
      packed[bit >> 3] = (packed[bit >> 3] as number) | (value << (8 - depth - (bit % 8)));
    });
    const type = filter();
    const coded = packed.map((byte, i) => {
      const [a, b, c] = [packed[i - 1] ?? 0, above[i] ?? 0, above[i - 1] ?? 0];
      const nearest = [a, b, c].reduce((best, x) =>
        Math.abs(a + b - c - x) < Math.abs(a + b - c - best) ? x : best,
      );
      return (byte - ([0, a, b, Math.floor((a + b) / 2), nearest][type] as number)) & 255;
    });
    above = packed;
    return [type, ...coded];
  });
}
