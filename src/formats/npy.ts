// NumPy's format for one array.
import { LatentGpuError } from '../errors.ts';
import { halfToFloat } from './half.ts';
import { quote, shapeText } from './message.ts';
import { forEachPlace } from './strides.ts';

/** The element types that are read, in either byte order: floats and integers, bytes, booleans as 0 and 1. */
export type NpyDtype = keyof typeof DTYPES;

/** Float16 elements arrive as float32. */
export type NpyData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array;

/** A NumPy array in C order: last dimension fastest. A scalar has shape `[]` and one element. */
export interface NpyArray {
  dtype: NpyDtype;
  shape: number[];
  /** `prod(shape)` elements; a view of the file's bytes where their alignment allows one. */
  data: NpyData;
}

const DTYPES = {
  '<f4': Float32Array,
  '<f8': Float64Array,
  '<f2': Uint16Array,
  '|u1': Uint8Array,
  '|b1': Uint8Array,
  '|i1': Int8Array,
  '<u2': Uint16Array,
  '<i2': Int16Array,
  '<u4': Uint32Array,
  '<i4': Int32Array,
  '<u8': BigUint64Array,
  '<i8': BigInt64Array,
} as const;

/** What to do about elements of other types. */
const WAYS: readonly (readonly [RegExp, string])[] = [
  [/^[<>=|]?c\d/, 'of complex numbers save np.hstack([x.real, x.imag]), or np.abs(x)'],
  [/^[<>=|]?f\d/, "save x.astype('float64')"],
  [
    /^[<>=|]?[US]\d/,
    "it is text; if that holds numbers, save x.astype('float64'); words are those of tables, pandas.DataFrame(x).to_csv('x.csv', index=False)",
  ],
  [/^[<>=|]?[Mm]\d/, "it is times; if these are wanted as numbers, save x.astype('int64')"],
];

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/**
 * Whether `bytes` begin with the NPY magic.
 *
 * @example formats.isNpy(formats.writeNpy(Float32Array.of(1, 2), [2])) // true
 */
export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** NumPy itself reads no header beyond 10,000 bytes unless told to. */
const LONGEST_HEADER = 2 ** 20;

interface Layout {
  readonly dtype: NpyDtype;
  readonly shape: number[];
  readonly isBigEndian: boolean;
  /** Whether the first index is the fastest. */
  readonly isFortran: boolean;
  /** Where the elements begin, and bytes of the whole file. */
  readonly start: number;
  readonly size: number;
}

/** What a header says, before it is known whether the elements are read. */
export interface NpyHeader {
  /** The element type as NumPy writes it: `<f4`, `|O`, `<U5`. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: number[];
  /** Where the elements begin. */
  readonly start: number;
}

/**
 * The header of a NumPy file.
 *
 * @param head the file or its beginning
 * @returns `undefined` if it is cut short
 * @throws LatentGpuError `bad-format`
 */
export function npyHeader(head: Uint8Array, name = 'NPY file'): NpyHeader | undefined {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (!isNpy(head)) throw bad('not a NumPy .npy file (its magic is missing)');
  return headerOf(head, bad);
}

function headerOf(bytes: Uint8Array, bad: (why: string) => LatentGpuError): NpyHeader | undefined {
  const version = bytes[6] ?? 1;
  if (version < 1 || version > 3) throw bad(`.npy version ${version} is not 1, 2 or 3`);
  const headerStart = version === 1 ? 10 : 12;
  if (bytes.length < headerStart) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LONGEST_HEADER) throw bad(`the header claims ${length} bytes, which none needs`);
  const start = headerStart + length;
  if (start > bytes.length) return undefined;
  const encoding = version === 3 ? 'utf-8' : 'latin1';
  const header = new TextDecoder(encoding).decode(bytes.subarray(headerStart, start));
  return { ...parseHeader(header, bad), start };
}

/** @returns `undefined` if the header is cut short */
function readLayout(bytes: Uint8Array, bad: (why: string) => LatentGpuError): Layout | undefined {
  const header = headerOf(bytes, bad);
  if (!header) return undefined;
  const { descr, fortranOrder, shape, start } = header;
  if (/^\|?O/.test(descr)) {
    throw bad("holds Python objects, which are pickled and not read; save x.astype('float32')");
  }
  const dtype = descr.replace(/^[<|=>]?([ub]1|i1)$/, '|$1').replace(/^[=>]/, '<');
  if (!Object.hasOwn(DTYPES, dtype)) {
    const known = Object.keys(DTYPES).join(' ');
    const way = WAYS.find(([form]) => form.test(descr))?.[1] ?? `save it as one of ${known}`;
    throw bad(`element type ${quote(descr)} is not read; ${way}`);
  }
  const isFortran = fortranOrder && shape.filter((length) => length !== 1).length > 1;
  const count = shape.includes(0) ? 0 : shape.reduce((product, length) => product * length, 1);
  const Type = DTYPES[dtype as NpyDtype];
  return {
    ...{ dtype: dtype as NpyDtype, shape, isFortran, isBigEndian: descr.startsWith('>') },
    ...{ start, size: start + count * Type.BYTES_PER_ELEMENT },
  };
}

/** How large a file is that begins with `head`, going by its header; `undefined` if that is cut short. */
export function npySize(head: Uint8Array, name = 'NPY file'): number | undefined {
  return readLayout(head, (why) => new LatentGpuError('bad-format', `${name}: ${why}`))?.size;
}

/**
 * Reads a NumPy `.npy` file, format versions 1 to 3 (NEP 1), of floats and integers of 8 to 64 bits, in
 * either order of bytes and of indices.
 *
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if it is no such file, if its element type is another, or if it is shorter or longer than its header says
 * @example formats.readNpy(formats.writeNpy(Float32Array.of(1, 2), [2])).shape // [2]
 */
export function readNpy(bytes: Uint8Array, name = 'NPY file'): NpyArray {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (!isNpy(bytes)) throw bad('not a NumPy .npy file (its magic is missing)');
  const layout = readLayout(bytes, bad);
  if (!layout) throw bad('the file ends within its header');
  const { dtype, shape, start, size, isBigEndian, isFortran } = layout;
  if (size !== bytes.length) {
    const how = size > bytes.length ? 'cut short' : 'too long';
    const [need, held] = [size - start, bytes.length - start];
    throw bad(
      `${how}: ${dtype} ${shapeText(shape)} needs ${need} bytes of data, the file has ${held}`,
    );
  }
  const Type = DTYPES[dtype];
  const from = bytes.byteOffset + start;
  const width = Type.BYTES_PER_ELEMENT;
  const isView = from % width === 0 && !(isBigEndian && width > 1);
  const count = (size - start) / width;
  const stored = isView
    ? new Type(bytes.buffer as ArrayBuffer, from, count)
    : new Type(copied(bytes.subarray(start), isBigEndian ? width : 1), 0, count);
  const data = isFortran ? inCOrder(stored, shape) : stored;
  return { dtype, shape, data: dtype === '<f2' ? halfToFloat(data as Uint16Array) : data };
}

/** A copy with the bytes of every element of `width` turned around. */
function copied(bytes: Uint8Array, width: number): ArrayBuffer {
  const copy = new Uint8Array(bytes);
  for (let at = 0; width > 1 && at < copy.length; at += width) {
    copy.subarray(at, at + width).reverse();
  }
  return copy.buffer;
}

/** The elements with the last index the fastest. */
function inCOrder<T extends InstanceType<(typeof DTYPES)[NpyDtype]>>(
  stored: T,
  shape: readonly number[],
): T {
  const ordered = new (stored.constructor as new (length: number) => T)(stored.length);
  const strides = shape.map((_, i) => shape.slice(0, i).reduce((a, b) => a * b, 1));
  forEachPlace(shape, strides, (from, to) => {
    ordered[to] = stored[from] as never;
  });
  return ordered;
}

/**
 * Writes float32 or float64 values as a `.npy` file, version 1, C order, the data aligned to 64 bytes.
 *
 * @throws LatentGpuError `bad-input` if the shape does not describe `data`
 * @example formats.writeNpy(Float32Array.of(1, 2), [2]).length // 136
 */
export function writeNpy(data: Float32Array | Float64Array, shape: readonly number[]): Uint8Array {
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== data.length || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    const why = `shape ${shapeText(shape)} does not describe ${data.length} values`;
    throw new LatentGpuError('bad-input', `NPY file: ${why}`);
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '<f${data.BYTES_PER_ELEMENT}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const dataStart = Math.ceil((10 + dictionary.length + 1) / 64) * 64;
  const header = `${dictionary.padEnd(dataStart - 11)}\n`;
  const bytes = new Uint8Array(dataStart + data.byteLength);
  bytes.set(MAGIC);
  bytes[6] = 1;
  new DataView(bytes.buffer).setUint16(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), dataStart);
  return bytes;
}

interface Dictionary {
  descr: string;
  fortranOrder: boolean;
  shape: number[];
}

/** The header is a Python literal of exactly three known entries, in any order. */
function parseHeader(text: string, bad: (why: string) => LatentGpuError): Dictionary {
  const found: Partial<Dictionary> = {};
  const literal = text.trim();
  if (!literal.startsWith('{') || !literal.endsWith('}')) {
    throw bad('the header is not a Python dictionary');
  }
  const body = literal.slice(1, -1);
  if (/['"]descr['"]\s*:\s*\[/.test(body)) {
    throw bad(
      'holds records of named fields; save np.lib.recfunctions.structured_to_unstructured(x), or one field, x[name]',
    );
  }
  const entry =
    /\s*(['"])(descr|fortran_order|shape)\1\s*:\s*(?:(['"])([^'"]*)\3|(True|False)|\(([\d\sL,]*)\))\s*(?:,|$)\s*/y;
  while (entry.lastIndex < body.length) {
    const at = entry.lastIndex;
    const match = entry.exec(body);
    if (!match) throw bad(`the header is not understood at ${quote(body.slice(at))}`);
    const [, , key, , string, boolean, tuple] = match;
    if (key === 'descr' && string !== undefined) found.descr = string;
    else if (key === 'fortran_order' && boolean) found.fortranOrder = boolean === 'True';
    else if (key === 'shape' && tuple !== undefined) found.shape = parseShape(tuple, bad);
    else throw bad(`the header's '${key}' has the wrong type`);
  }
  const { descr, fortranOrder, shape } = found;
  if (descr === undefined || fortranOrder === undefined || shape === undefined) {
    throw bad("the header lacks one of 'descr', 'fortran_order' and 'shape'");
  }
  return { descr, fortranOrder, shape };
}

function parseShape(tuple: string, bad: (why: string) => LatentGpuError): number[] {
  const parts = tuple.split(',').map((part) => part.trim());
  if (parts.at(-1) === '') parts.pop();
  // Python 2 wrote long integers with an L.
  const shape = parts.map((part) => (/^\d+L?$/.test(part) ? Number.parseInt(part, 10) : -1));
  if (shape.length > 32 || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw bad(`the header's shape ${quote(tuple)} is not understood`);
  }
  return shape;
}
