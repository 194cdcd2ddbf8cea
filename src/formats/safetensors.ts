// Safetensors: named tensors in one file, read and written.
import { LatentGpuError } from '../errors.ts';
import { e4m3ToFloat, halfToFloat } from './half.ts';
import { isObject } from './json.ts';
import { quote, shapeText } from './message.ts';
import { isZip } from './zip.ts';

export type TensorData =
  | Float32Array
  | Uint32Array
  | Int32Array
  | Uint16Array
  | Int16Array
  | Uint8Array
  | Int8Array
  | BigInt64Array
  | BigUint64Array;

/** A tensor read from a file. */
export interface StoredTensor {
  /** The element type in the file. `F64`, `F16`, `BF16` and `F8_…` arrive in `data` as float32. */
  dtype: string;
  /** Row major, as PyTorch: `[out, in]` for a weight. `[]` is a scalar. */
  shape: number[];
  /** `prod(shape)` elements; a view of the file's bytes where type and alignment allow one. */
  data: TensorData;
  /** Of `F64`: the numbers before they were made float32. */
  doubles?: Float64Array;
}

/**
 * A tensor to write: float64 → `F64`, float32 → `F32`, uint32 → `U32`, int32 → `I32`, bytes → `U8`, and bits of
 * float16 as uint16 → `F16`.
 */
export interface WritableTensor {
  shape: readonly number[];
  data: Float64Array | Float32Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;
}

export interface SafetensorsFile {
  /** In the order in which their data lie in the file. */
  tensors: Map<string, StoredTensor>;
  /** The header's `__metadata__`: strings only. */
  metadata: Record<string, string>;
}

interface Dtype {
  bytes: number;
  read: (bytes: Uint8Array) => TensorData;
}

type ViewConstructor<T> = {
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
};

/** Views the bytes as `Type`, copying only where they are not aligned for it. */
function viewAs<T>(Type: ViewConstructor<T>, bytes: Uint8Array): T {
  const aligned = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  const length = aligned.byteLength / Type.BYTES_PER_ELEMENT;
  return new Type(aligned.buffer as ArrayBuffer, aligned.byteOffset, length);
}

const plain = <T extends TensorData>(Type: ViewConstructor<T>): Dtype => ({
  bytes: Type.BYTES_PER_ELEMENT,
  read: (bytes) => viewAs(Type, bytes),
});

const DTYPES: Record<string, Dtype> = {
  F32: plain(Float32Array),
  U32: plain(Uint32Array),
  I32: plain(Int32Array),
  U16: plain(Uint16Array),
  I16: plain(Int16Array),
  U8: plain(Uint8Array),
  I8: plain(Int8Array),
  BOOL: plain(Uint8Array),
  I64: plain(BigInt64Array),
  U64: plain(BigUint64Array),
  F64: { bytes: 8, read: (bytes) => Float32Array.from(viewAs(Float64Array, bytes)) },
  F16: { bytes: 2, read: (bytes) => halfToFloat(viewAs(Uint16Array, bytes)) },
  F8_E4M3: { bytes: 1, read: e4m3ToFloat },
  F8_E5M2: { bytes: 1, read: (bytes) => halfToFloat(Uint16Array.from(bytes, (b) => b << 8)) },
  BF16: { bytes: 2, read: (bytes) => bfloatToFloat(viewAs(Uint16Array, bytes)) },
};

/** Bytes of an element of a type that is known. */
export const elementSize = (dtype: string): number => (DTYPES[dtype] as Dtype).bytes;

/** The elements of a type that is known, little-endian as they are stored. */
export function elementsOf(dtype: string, raw: Uint8Array): Pick<StoredTensor, 'data' | 'doubles'> {
  const data = (DTYPES[dtype] as Dtype).read(raw);
  return { data, ...(dtype === 'F64' && { doubles: viewAs(Float64Array, raw) }) };
}

/** The bound that the reference implementation sets, too. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads a safetensors file: an 8-byte little-endian header length, a JSON header, then the data.
 *
 * Everything is checked before anything is allocated: the header fits the file, every tensor's bytes
 * match its type and shape, and the tensors cover the data exactly, without holes or overlaps.
 *
 * ```ts
 * const bytes = formats.writeSafetensors([['w', { shape: [2], data: Float32Array.of(1, 2) }]]);
 * formats.readSafetensors(bytes).tensors.get('w')?.data // [1, 2]
 * ```
 *
 * @param bytes the file; tensors are views of it where alignment allows
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` naming the tensor and what is wrong with it
 * @see https://github.com/huggingface/safetensors#format
 */
export function readSafetensors(bytes: Uint8Array, name = 'safetensors file'): SafetensorsFile {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (bytes.length < 8) throw bad(`${bytes.length} bytes is too short for a safetensors file`);
  if (isZip(bytes)) {
    throw bad('a zip archive, as torch.save writes it; write it with safetensors.torch.save_file');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (headerLength > MAX_HEADER_BYTES || headerLength > bytes.length - 8) {
    const why = `its header claims ${headerLength} bytes of ${bytes.length - 8}`;
    throw bad(`not a safetensors file, or cut short: ${why}`);
  }
  const header = parseHeader(bytes.subarray(8, 8 + headerLength), bad);
  const body = bytes.subarray(8 + headerLength);

  const entries: { key: string; dtype: string; shape: number[]; begin: number; end: number }[] = [];
  let metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(header)) {
    if (key === '__metadata__') {
      if (value === null) continue;
      if (!isObject(value) || !Object.values(value).every((entry) => typeof entry === 'string')) {
        throw bad('__metadata__ must map names to strings; save numbers in it as str(value)');
      }
      metadata = value as Record<string, string>;
    } else {
      entries.push({ key, ...parseEntry(key, value, bad) });
    }
  }

  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { key, begin, end } of entries) {
    if (begin < covered) throw bad(`tensor ${quote(key)} overlaps the one before it`);
    if (begin > covered)
      throw bad(`${begin - covered} bytes before tensor ${quote(key)} belong to none`);
    if (end > body.length) {
      throw bad(
        `cut short: tensor ${quote(key)} ends at byte ${end} of the data, of ${body.length}`,
      );
    }
    covered = end;
  }
  if (covered !== body.length) {
    throw bad(`${body.length - covered} bytes after the last tensor belong to none`);
  }

  const tensors = new Map<string, StoredTensor>();
  for (const { key, dtype, shape, begin, end } of entries) {
    tensors.set(key, { dtype, shape, ...elementsOf(dtype, body.subarray(begin, end)) });
  }
  return { tensors, metadata };
}

/**
 * Writes a safetensors file that PyTorch, JAX and {@link readSafetensors} read.
 *
 * The bytes depend only on the names, values, order and metadata given. Wider elements come first, so
 * that every tensor is aligned; the header is padded to 8 bytes.
 *
 * ```ts
 * const bytes = formats.writeSafetensors([['w', { shape: [2], data: Float32Array.of(1, 2) }]]);
 * formats.readSafetensors(bytes).tensors.get('w')?.dtype // "F32"
 * ```
 *
 * @param tensors names and values, in the order to write them
 * @param metadata strings to put under `__metadata__`
 * @throws LatentGpuError `bad-input` if a shape does not describe its data, or a name repeats
 */
export function writeSafetensors(
  tensors: Iterable<readonly [string, WritableTensor]>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const bad = (why: string) => new LatentGpuError('bad-input', `safetensors file: ${why}`);
  const entries = [...tensors].sort(
    ([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT,
  );
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set('__metadata__', metadata);
  let offset = 0;
  for (const [key, { shape, data }] of entries) {
    if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0) || sizeOf(shape) !== data.length) {
      throw bad(
        `tensor ${quote(key)}: shape ${shapeText(shape)} does not describe ${data.length} values`,
      );
    }
    if (key === '__metadata__' || header.has(key)) throw bad(`tensor name ${quote(key)} is taken`);
    const end = offset + data.byteLength;
    header.set(key, { dtype: dtypeOf(data), shape, data_offsets: [offset, end] });
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + offset).fill(0x20, 8, 8 + headerLength);
  new DataView(bytes.buffer).setUint32(0, headerLength, true);
  bytes.set(json, 8);
  let at = 8 + headerLength;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

function dtypeOf(data: WritableTensor['data']): string {
  if (data instanceof Float64Array) return 'F64';
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Uint32Array) return 'U32';
  if (data instanceof Uint16Array) return 'F16';
  return data instanceof Int32Array ? 'I32' : 'U8';
}

/** A zero first: a product that overflows to infinity before it meets the zero would be NaN. */
const sizeOf = (shape: readonly number[]) =>
  shape.includes(0) ? 0 : shape.reduce((product, length) => product * length, 1);

function parseHeader(
  bytes: Uint8Array,
  bad: (why: string) => LatentGpuError,
): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw bad('not a safetensors file: its header is not JSON');
  }
  if (!isObject(header)) throw bad('its header is not a JSON object');
  return header;
}

function parseEntry(key: string, value: unknown, bad: (why: string) => LatentGpuError) {
  const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!isObject(value)) throw bad(`tensor ${quote(key)} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPES, dtype)) {
    const known = Object.keys(DTYPES).join(' ');
    throw bad(
      `tensor ${quote(key)} has element type ${quote(String(dtype))}, not one of ${known}; save it as one, tensor.float(), or leave it out of the file`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw bad(`tensor ${quote(key)} has no shape of whole numbers`);
  }
  const [begin, end] = Array.isArray(offsets) ? offsets : [];
  if (!Array.isArray(offsets) || offsets.length !== 2 || !isCount(begin) || !isCount(end)) {
    throw bad(`tensor ${quote(key)} has no data_offsets [begin, end]`);
  }
  const need = sizeOf(shape) * (DTYPES[dtype] as Dtype).bytes;
  if (end - begin !== need) {
    throw bad(
      `tensor ${quote(key)} is ${dtype} ${shapeText(shape)}: ${need} bytes, not ${end - begin}`,
    );
  }
  return { dtype, shape: shape as number[], begin, end };
}

/** bfloat16 is the upper half of a float32. */
function bfloatToFloat(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}
