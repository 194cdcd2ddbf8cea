// IDX, the format of MNIST's files.
import { LatentGpuError } from '../errors.ts';
import { shapeText } from './message.ts';

/** An array of unsigned bytes as an IDX file stores it: row major, last dimension fastest. */
export interface IdxArray {
  shape: number[];
  /** `prod(shape)` bytes; after {@link readIdx} a view of the file's own bytes. */
  data: Uint8Array;
}

/** The elements of an IDX file of any type, in this machine's byte order. */
export type IdxData =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

const UNSIGNED_BYTE = 0x08;
const ELEMENT_TYPES: Readonly<
  Record<number, { readonly name: string; readonly bytes: number; readonly make: Make }>
> = {
  8: { name: 'unsigned bytes', bytes: 1, make: (buffer) => new Uint8Array(buffer) },
  9: { name: 'signed bytes', bytes: 1, make: (buffer) => new Int8Array(buffer) },
  11: { name: '16-bit integers', bytes: 2, make: (buffer) => new Int16Array(buffer) },
  12: { name: '32-bit integers', bytes: 4, make: (buffer) => new Int32Array(buffer) },
  13: { name: 'float32', bytes: 4, make: (buffer) => new Float32Array(buffer) },
  14: { name: 'float64', bytes: 8, make: (buffer) => new Float64Array(buffer) },
};
type Make = (buffer: ArrayBuffer) => IdxData;

/**
 * Whether `bytes` begin like an IDX file (two zero bytes, a known element type, a rank of at least 1).
 *
 * @example formats.isIdx(formats.writeIdx({ shape: [2], data: Uint8Array.of(1, 2) })) // true
 */
export function isIdx(bytes: Uint8Array): boolean {
  const known = ELEMENT_TYPES[bytes[2] ?? 0] !== undefined;
  return bytes.length >= 8 && bytes[0] === 0 && bytes[1] === 0 && known && (bytes[3] ?? 0) > 0;
}

interface Header {
  readonly type: number;
  readonly shape: number[];
  /** Where the elements begin. */
  readonly start: number;
  /** Bytes of the whole file. */
  readonly size: number;
}

function readHeader(bytes: Uint8Array, bad: (why: string) => LatentGpuError): Header {
  if (bytes.length < 4) throw bad(`${bytes.length} bytes is too short for an IDX file`);
  if (bytes[0] !== 0 || bytes[1] !== 0) throw bad('not an IDX file (it must begin with two zeros)');
  const type = bytes[2] as number;
  const element = ELEMENT_TYPES[type];
  if (!element) throw bad(`holds unknown element type 0x${type.toString(16)}`);
  const rank = bytes[3] as number;
  if (rank === 0) throw bad('has no dimensions');
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw bad(`the header of ${rank} dimensions is cut short`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  // A zero first: a product that overflows to infinity before it meets the zero would be NaN.
  const count = shape.includes(0) ? 0 : shape.reduce((product, length) => product * length, 1);
  return { type, shape, start, size: start + count * element.bytes };
}

/** How large a file is that begins with `head`, going by its header; `undefined` if that is cut short. */
export function idxSize(head: Uint8Array, name = 'IDX file'): number | undefined {
  if (head.length < 4 + 4 * (head[3] ?? 0)) return undefined;
  return readHeader(head, (why) => new LatentGpuError('bad-format', `${name}: ${why}`)).size;
}

/**
 * Reads an IDX file of any element type, of any rank from 1 to 255.
 *
 * The format (LeCun, Cortes and Burges, the MNIST database): two zero bytes, an element type, the
 * rank, one big-endian uint32 a dimension, then the elements, big-endian.
 *
 * @param bytes the uncompressed file
 * @param name what to call the file in errors
 * @returns the shape and the elements; a view (no copy) of those that are single bytes
 * @throws LatentGpuError `bad-format` if the header is not IDX, or the file is shorter or longer than
 *   its header says
 */
export function readIdxArray(
  bytes: Uint8Array,
  name = 'IDX file',
): { shape: number[]; data: IdxData } {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  const { type, shape, start, size } = readHeader(bytes, bad);
  const [need, held] = [size - start, bytes.length - start];
  if (need !== held) {
    const how = need > held ? 'cut short' : 'too long';
    throw bad(
      `${how}: ${shapeText(shape)} needs ${need} bytes after the header, the file has ${held}`,
    );
  }
  if (type === UNSIGNED_BYTE) {
    return { shape, data: new Uint8Array(bytes.buffer, bytes.byteOffset + start, held) };
  }
  const { bytes: width, make } = ELEMENT_TYPES[type] as (typeof ELEMENT_TYPES)[number];
  const swapped = new Uint8Array(bytes.subarray(start));
  if (width > 1) {
    for (let at = 0; at < swapped.length; at += width) swapped.subarray(at, at + width).reverse();
  }
  return { shape, data: make(swapped.buffer) };
}

/**
 * Reads an IDX file of unsigned bytes, as `readIdxArray` does.
 *
 * @throws LatentGpuError `bad-format`, also if the elements are of another type
 * @example formats.readIdx(formats.writeIdx({ shape: [2], data: Uint8Array.of(1, 2) })).data // [1, 2]
 */
export function readIdx(bytes: Uint8Array, name = 'IDX file'): IdxArray {
  const { shape, data } = readIdxArray(bytes, name);
  if (data instanceof Uint8Array) return { shape, data };
  const found = ELEMENT_TYPES[bytes[2] as number]?.name;
  throw new LatentGpuError(
    'bad-format',
    `${name}: holds ${found}; unsigned bytes (type 0x08) are wanted`,
  );
}

/**
 * Writes an IDX file of unsigned bytes.
 *
 * @throws LatentGpuError `bad-input` if the shape does not fit the data or the format
 * @example formats.writeIdx({ shape: [2], data: Uint8Array.of(1, 2) }).length // 10
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
