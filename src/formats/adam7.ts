// PNG's interlacing, Adam7: an image in seven passes, each a smaller image of its own.

/** x and y of a pass's first pixel, and steps to the next. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

/** The passes of an image that have pixels. */
function passesOf(width: number, height: number): Pass[] {
  return PASSES.map(([x, y, dx, dy]) => {
    const [w, h] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)];
    return { x, y, dx, dy, width: Math.max(0, w), height: Math.max(0, h) };
  }).filter((pass) => pass.width * pass.height > 0);
}

/** Bytes of an image with its filters, one before every line. */
export const sizeOf = (width: number, height: number, bits: number): number =>
  width === 0 ? 0 : height * (1 + Math.ceil((width * bits) / 8));

/** The same of an image in passes. */
export const interlacedSize = (width: number, height: number, bits: number): number =>
  passesOf(width, height).reduce((sum, pass) => sum + sizeOf(pass.width, pass.height, bits), 0);

/**
 * Puts an image together whose pixels have less than 8 bits, so that several lie in a byte.
 *
 * @param passes as they come inflated, with their filters; filters are undone in place
 * @param depth bits of a pixel: 1, 2 or 4
 * @returns the image as a file without passes has it, inflated: a filter of 0, none, before every line
 * @throws Error for a filter that PNG does not know
 */
export function deinterlaced(
  passes: Uint8Array,
  width: number,
  height: number,
  depth: number,
): Uint8Array {
  const line = 1 + Math.ceil((width * depth) / 8);
  const image = new Uint8Array(line * height);
  let from = 0;
  for (const pass of passesOf(width, height)) {
    const length = Math.ceil((pass.width * depth) / 8);
    for (let j = 0; j < pass.height; j++, from += 1 + length) {
      const own = passes.subarray(from + 1, from + 1 + length);
      const above = j === 0 ? new Uint8Array(length) : passes.subarray(from - length, from);
      unfilter(passes[from] as number, own, above);
      for (let i = 0; i < pass.width; i++) {
        const value = ((own[(i * depth) >> 3] as number) << ((i * depth) & 7)) & 255;
        const bit = (pass.x + i * pass.dx) * depth;
        const at = (pass.y + j * pass.dy) * line + 1 + (bit >> 3);
        image[at] = (image[at] as number) | ((value >> (8 - depth)) << (8 - depth - (bit & 7)));
      }
    }
  }
  return image;
}

/** Undoes the filter of a line of bytes (PNG specification, chapter 9), in place. */
function unfilter(type: number, line: Uint8Array, above: Uint8Array): void {
  for (let i = 0; i < line.length; i++) {
    const [left, up, corner] = [line[i - 1] ?? 0, above[i] as number, above[i - 1] ?? 0];
    line[i] = (line[i] as number) + predicted(type, left, up, corner);
  }
}

function predicted(type: number, left: number, up: number, corner: number): number {
  if (type === 0) return 0;
  if (type === 1) return left;
  if (type === 2) return up;
  if (type === 3) return (left + up) >> 1;
  if (type !== 4) throw new Error(`Unsupported filter: ${type}`);
  const [byLeft, byUp, byCorner] = [left, up, corner].map((x) => Math.abs(left + up - corner - x));
  if ((byLeft as number) <= (byUp as number) && (byLeft as number) <= (byCorner as number))
    return left;
  return (byUp as number) <= (byCorner as number) ? up : corner;
}
