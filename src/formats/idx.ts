import { LatentGpuError } from '../errors.ts';
import { shapeText } from './message.ts';

/** An array of unsigned bytes as an IDX file stores it: row major, last dimension fastest. */
export interface IdxArray {
  shape: number[];
  /** `prod(shape)` bytes; after {@link readIdx} a view of the file's own bytes. */
  data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;
const ELEMENT_TYPES: Record<number, string> = {
  9: 'signed bytes',
  11: '16-bit integers',
  12: '32-bit integers',
  13: 'float32',
  14: 'float64',
};

/** Whether `bytes` begin like an IDX file (two zero bytes, a known element type, a rank of at least 1). */
export function isIdx(bytes: Uint8Array): boolean {
  const type = bytes[2] ?? 0;
  const known = type === UNSIGNED_BYTE || ELEMENT_TYPES[type] !== undefined;
  return bytes.length >= 8 && bytes[0] === 0 && bytes[1] === 0 && known && (bytes[3] ?? 0) > 0;
}

/**
 * Reads an IDX file of unsigned bytes, of any rank from 1 to 255.
 *
 * The format (LeCun, Cortes and Burges, the MNIST database): two zero bytes, an element type, the
 * rank, one big-endian uint32 a dimension, then the elements.
 *
 * @param bytes the uncompressed file
 * @param name what to call the file in errors
 * @returns the shape and a view (no copy) of the elements
 * @throws LatentGpuError `bad-format` if the header is not IDX, the elements are not unsigned bytes,
 *   or the file is shorter or longer than its header says
 */
export function readIdx(bytes: Uint8Array, name = 'IDX file'): IdxArray {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (bytes.length < 4) throw bad(`${bytes.length} bytes is too short for an IDX file`);
  if (bytes[0] !== 0 || bytes[1] !== 0) throw bad('not an IDX file (it must begin with two zeros)');
  const type = bytes[2] as number;
  if (type !== UNSIGNED_BYTE) {
    const found = ELEMENT_TYPES[type] ?? `unknown element type 0x${type.toString(16)}`;
    throw bad(`holds ${found}; only IDX files of unsigned bytes (type 0x08) are read`);
  }
  const rank = bytes[3] as number;
  if (rank === 0) throw bad('has no dimensions');
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw bad(`the header of ${rank} dimensions is cut short`);

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  // A zero first: a product that overflows to infinity before it meets the zero would be NaN.
  const size = shape.includes(0) ? 0 : shape.reduce((product, length) => product * length, 1);
  const held = bytes.length - start;
  if (size !== held) {
    const how = size > held ? 'cut short' : 'too long';
    throw bad(
      `${how}: ${shapeText(shape)} needs ${size} bytes after the header, the file has ${held}`,
    );
  }
  return { shape, data: new Uint8Array(bytes.buffer, bytes.byteOffset + start, size) };
}

/**
 * Writes an IDX file of unsigned bytes.
 *
 * @throws LatentGpuError `bad-input` if the shape does not fit the data or the format
 */
export function writeIdx({ shape, data }: IdxArray): Uint8Array {
  const size = shape.reduce((product, length) => product * length, 1);
  const fits = shape.every((n) => Number.isInteger(n) && n >= 0 && n <= 0xffffffff);
  if (!fits || shape.length < 1 || shape.length > 255 || size !== data.length) {
    const why = `shape ${shapeText(shape)} does not describe ${data.length} bytes`;
    throw new LatentGpuError('bad-input', `IDX file: ${why}`);
  }
  const start = 4 + 4 * shape.length;
  const bytes = new Uint8Array(start + data.length);
  bytes[2] = UNSIGNED_BYTE;
  bytes[3] = shape.length;
  const view = new DataView(bytes.buffer);
  shape.forEach((length, axis) => {
    view.setUint32(4 + 4 * axis, length);
  });
  bytes.set(data, start);
  return bytes;
}
