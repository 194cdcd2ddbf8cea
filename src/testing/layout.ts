// How WGSL's types lie in memory, and JavaScript's values in and out of it.
import { LatentGpuError } from '../errors.ts';
import { floatToHalf, halfToFloat } from '../formats/half.ts';
import { nearest } from '../nearest.ts';

export type Scalar = 'f32' | 'i32' | 'u32' | 'f16';

/** A host-shareable type. Sizes, strides and offsets are in bytes. */
export type Layout =
  | {
      /** A scalar, a vector or a matrix: columns of `rows` numbers, `stride` apart. */
      readonly kind: 'numbers';
      readonly name: string;
      readonly scalar: Scalar;
      readonly columns: number;
      readonly rows: number;
      readonly stride: number;
      readonly size: number;
    }
  | {
      readonly kind: 'array';
      readonly name: string;
      readonly element: Layout;
      /** 0: sized by what is bound. */
      readonly count: number;
      readonly stride: number;
      readonly size: number;
    }
  | {
      readonly kind: 'struct';
      readonly name: string;
      readonly members: readonly { readonly name: string; offset: number; layout: Layout }[];
      readonly align: number;
      /** Without the elements of a last member that is sized by what is bound. */
      readonly size: number;
    };

export type NumberArray = Float32Array | Int32Array | Uint32Array | Uint16Array;

/**
 * What a variable holds. A typed array of the WGSL's own numbers is its memory as it stands (a
 * `vec3f` in an array takes four; `f16` is its bits, in a Uint16Array); plain arrays and Float64Array
 * are converted and padded;
 * an object holds a structure by its members' names; `{ length }` is that many zeroed elements.
 */
export type BindingValue =
  | number
  | NumberArray
  | Float64Array
  | ArrayBuffer
  | readonly BindingValue[]
  | { readonly length: number }
  | { readonly [member: string]: BindingValue };

const arrays = { f32: Float32Array, i32: Int32Array, u32: Uint32Array, f16: Uint16Array };
const widths: Record<Scalar, number> = { f32: 4, i32: 4, u32: 4, f16: 2 };

function bad(message: string): LatentGpuError {
  return new LatentGpuError('bad-input', message);
}

/** The one kind of number that a type is made of, if it holds no structure. */
export function scalarOf(layout: Layout): Scalar | undefined {
  if (layout.kind === 'numbers') return layout.scalar;
  return layout.kind === 'array' ? scalarOf(layout.element) : undefined;
}

/** What a binding may hold by WebGPU's default limits (maxStorageBufferBindingSize), bytes. */
const MOST_BYTES = 2 ** 27;

const article = (noun: string) => `${/^[AEIO]/.test(noun) ? 'an' : 'a'} ${noun}`;

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value)) return article(value.constructor.name);
  if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`;
  return 'length' in value ? `{ length: ${String(value.length)} }` : 'an object';
}

/** What to give for a type, for messages. */
function wish(layout: Layout): string {
  if (layout.kind === 'struct') {
    return `an object { ${layout.members.map(({ name }) => name).join(', ')} }`;
  }
  const scalar = scalarOf(layout);
  const array = scalar ? `${article(arrays[scalar].name)} or an array` : 'an array of objects';
  if (layout.kind === 'array') return layout.count ? array : `${array}, or { length }`;
  return layout.columns * layout.rows === 1 ? 'a number' : array;
}

/** Bytes that `value` needs; larger than the layout's size only for arrays without one. */
function sizeFor(layout: Layout, value: unknown, name: string): number {
  if (layout.kind === 'array' && layout.count === 0) {
    const elements = elementsOf(layout.element, value);
    if (elements === undefined) {
      throw bad(`${name} is ${layout.name}: give ${wish(layout)}, not ${describe(value)}.`);
    }
    if (elements === 0) throw bad(`${name} is empty; WebGPU binds at least one element.`);
    if (!Number.isInteger(elements)) {
      throw bad(`${name} is ${layout.name}: ${describe(value)} does not divide into elements.`);
    }
    return elements * layout.stride;
  }
  const last = layout.kind === 'struct' ? layout.members.at(-1) : undefined;
  if (last?.layout.kind === 'array' && last.layout.count === 0) {
    const inner = (value as Record<string, unknown> | undefined)?.[last.name];
    const end = last.offset + sizeFor(last.layout, inner, `${name}.${last.name}`);
    // WebGPU binds no less than the structure with one element.
    const { align } = layout as Layout & { kind: 'struct' };
    return Math.max(end, Math.ceil((last.offset + last.layout.stride) / align) * align);
  }
  return layout.size;
}

/** Of whichever realm: in Jest a typed array's buffer is of another than `ArrayBuffer`. */
const isBuffer = (value: unknown): value is ArrayBuffer =>
  Object.prototype.toString.call(value) === '[object ArrayBuffer]';

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

/** How many elements a value has; not a whole number if it does not divide into them. */
function elementsOf(element: Layout, value: unknown): number | undefined {
  if (isList(value)) {
    const isFlat = element.kind === 'numbers' && Array.prototype.every.call(value, isNumber);
    return isFlat ? value.length / (element.columns * element.rows) : value.length;
  }
  if (typeof value !== 'object' || value === null || !('length' in value)) return undefined;
  const { length } = value;
  return isNumber(length) && Number.isInteger(length) && length >= 0 ? length : undefined;
}

const isNumber = (value: unknown) => typeof value === 'number';

/**
 * The bytes of a variable.
 *
 * @param name the variable's name, for messages
 * @throws LatentGpuError `bad-input` naming the variable or member, what it is and what to give;
 *   `limit-exceeded` for more than any device has room for
 */
export function pack(layout: Layout, value: unknown, name: string): Uint8Array {
  const scalar = scalarOf(layout);
  const raw =
    isBuffer(value) || (ArrayBuffer.isView(value) && scalar && value instanceof arrays[scalar]);
  if (raw) return packRaw(layout, value as ArrayBuffer | NumberArray, name);
  if (ArrayBuffer.isView(value) && !(value instanceof Float64Array && scalar)) {
    const kind = scalar ? article(arrays[scalar].name) : `${wish(layout)} or an ArrayBuffer`;
    throw bad(`${name} is ${layout.name}: give ${kind}, not ${describe(value)}.`);
  }
  const size = sizeFor(layout, value, name);
  if (size > MOST_BYTES) {
    throw new LatentGpuError(
      'limit-exceeded',
      `${name} takes ${size} bytes; a binding may have ${MOST_BYTES} by WebGPU's default limits.`,
    );
  }
  const bytes = new Uint8Array(Math.ceil(size / 4) * 4);
  write(layout, value, new DataView(bytes.buffer), 0, name);
  return bytes;
}

function packRaw(layout: Layout, value: ArrayBuffer | NumberArray, name: string): Uint8Array {
  const bytes = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
  const { size } = layout;
  const sized = !(layout.kind === 'array' ? layout.count === 0 : hasOpenEnd(layout));
  if (sized ? bytes.length !== size : bytes.length < Math.max(1, size)) {
    throw bad(
      `${name} is ${layout.name}, ${sized ? '' : 'at least '}${size} bytes; ` +
        `it was given ${bytes.length}.`,
    );
  }
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return padded;
}

function hasOpenEnd(layout: Layout): boolean {
  const last = layout.kind === 'struct' ? layout.members.at(-1)?.layout : undefined;
  return last?.kind === 'array' && last.count === 0;
}

function write(layout: Layout, value: unknown, to: DataView, at: number, name: string): void {
  if (layout.kind === 'struct') writeStruct(layout, value, to, at, name);
  else if (layout.kind === 'array') writeArray(layout, value, to, at, name);
  else writeNumbers(layout, value, to, at, name);
}

function writeStruct(
  layout: Layout & { kind: 'struct' },
  value: unknown,
  to: DataView,
  at: number,
  name: string,
): void {
  if (typeof value !== 'object' || value === null || isList(value)) {
    throw bad(`${name} is ${layout.name}: give ${wish(layout)}, not ${describe(value)}.`);
  }
  const names = layout.members.map((member) => member.name);
  for (const key of Object.keys(value)) {
    if (names.includes(key)) continue;
    throw bad(`${name} has no member '${key}'; did you mean '${nearest(key, names)}'?`);
  }
  for (const { name: key, offset, layout: inner } of layout.members) {
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined) throw bad(`${name}.${key} (${inner.name}) is missing.`);
    write(inner, member, to, at + offset, `${name}.${key}`);
  }
}

function writeArray(
  layout: Layout & { kind: 'array' },
  value: unknown,
  to: DataView,
  at: number,
  name: string,
): void {
  const { element, count, stride } = layout;
  const elements = elementsOf(element, value);
  if (elements === undefined) {
    throw bad(`${name} is ${layout.name}: give ${wish(layout)}, not ${describe(value)}.`);
  }
  if (count > 0 && elements !== count) {
    throw bad(`${name} is ${layout.name}; it was given ${elements} elements, not ${count}.`);
  }
  // { length }: zeros.
  if (!isList(value)) return;
  const width = value.length / elements;
  for (let i = 0; i < elements; i++) {
    const part =
      width === 1 ? value[i] : Array.prototype.slice.call(value, i * width, (i + 1) * width);
    write(element, part, to, at + i * stride, `${name}[${i}]`);
  }
}

function writeNumbers(
  layout: Layout & { kind: 'numbers' },
  value: unknown,
  to: DataView,
  at: number,
  name: string,
): void {
  const { scalar, columns, rows, stride } = layout;
  const numbers = isList(value) ? (Array.from(value).flat() as unknown[]) : [value];
  if (numbers.length !== columns * rows) {
    throw bad(
      `${name} is ${layout.name}: give ${wish(layout)} of ${columns * rows}, not ${describe(value)}.`,
    );
  }
  numbers.forEach((number, i) => {
    if (typeof number !== 'number') {
      throw bad(`${name} is ${layout.name}: give ${wish(layout)}, not ${describe(number)}.`);
    }
    const place = at + Math.floor(i / rows) * stride + (i % rows) * widths[scalar];
    writeNumber(scalar, number, to, place, name);
  });
}

function writeNumber(scalar: Scalar, value: number, to: DataView, at: number, name: string): void {
  if (scalar === 'f32') to.setFloat32(at, value, true);
  else if (scalar === 'f16') to.setUint16(at, floatToHalf(value), true);
  else {
    const [least, most] = scalar === 'u32' ? [0, 2 ** 32 - 1] : [-(2 ** 31), 2 ** 31 - 1];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw bad(`${name} is ${scalar}: ${value} is no such number.`);
    }
    to.setUint32(at, value, true);
  }
}

/** What a variable holds: objects for structures, arrays of them, and else the memory's numbers. */
export type Unpacked = NumberArray | number | Unpacked[] | { [member: string]: Unpacked };

type Numbers = Layout & { kind: 'numbers' };

const isScalar = (layout: Layout): layout is Numbers =>
  layout.kind === 'numbers' && layout.columns * layout.rows === 1;

function numberIn({ scalar }: Numbers, memory: NumberArray): number {
  const [number] = scalar === 'f16' ? halfToFloat(memory as Uint16Array) : memory;
  return number as number;
}

/** The opposite of {@link pack}. */
export function unpack(layout: Layout, bytes: Uint8Array): Unpacked {
  const scalar = scalarOf(layout);
  if (scalar) {
    // Not slice(): that of a Buffer shares its memory.
    const copy = new Uint8Array(bytes.subarray(0, bytes.length - (bytes.length % widths[scalar])));
    return new arrays[scalar](copy.buffer);
  }
  if (layout.kind === 'array') {
    const { element, stride } = layout;
    return Array.from({ length: Math.floor(bytes.length / stride) }, (_, i) =>
      unpack(element, bytes.subarray(i * stride, i * stride + element.size)),
    );
  }
  const result: { [member: string]: Unpacked } = {};
  for (const { name, offset, layout: inner } of (layout as Layout & { kind: 'struct' }).members) {
    const open = inner.kind === 'array' && inner.count === 0;
    const end = open ? bytes.length : offset + inner.size;
    const member = unpack(inner, bytes.subarray(offset, end));
    result[name] = isScalar(inner) ? numberIn(inner, member as NumberArray) : member;
  }
  return result;
}
