// The memory of variables on one device: made when first asked for, with their initial values.
import type { Device } from '../../device/index.ts';
import { LatentGpuError } from '../../errors.ts';
import { PART_ALIGNMENT, packedMembers, type Variable } from '../../graph/variable.ts';
import { noNumbers } from '../../numbers.ts';
import { Random } from '../../random.ts';
import { memoryBytes } from '../fuse/traffic.ts';
import { pitchOf } from '../lower/access.ts';
import { halvesOf, packHalves } from './halves.ts';

/** Where a variable lies. */
export interface Storage {
  readonly buffer: GPUBuffer;
  readonly byteOffset: number;
  readonly bytes: number;
  readonly isHalf: boolean;
}

type NumberArray = Float32Array | Uint32Array | Uint8Array;

const USAGE = { storage: 0x80, uniform: 0x40, copySource: 0x04, copyTarget: 0x08 };
export const BUFFER_USAGE = USAGE.storage | USAGE.uniform | USAGE.copySource | USAGE.copyTarget;

export class VariableMemory {
  private readonly device: Device;
  private readonly seed: number;
  private readonly onMove: (variable: Variable) => void;
  private readonly storage = new Map<Variable, Storage>();
  /** The last that is done in turn. */
  private last: Promise<void> = Promise.resolve();

  /**
   * @param seed of initial values
   * @param onMove called when a variable, or its parts, have another place than before, or none
   */
  constructor(device: Device, seed: number, onMove: (variable: Variable) => void) {
    this.device = device;
    this.seed = seed;
    this.onMove = onMove;
  }

  /** Does some work after all that was to be done in turn before it, however that ended. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work);
    this.last = mine.then(
      () => {},
      () => {},
    );
    return mine;
  }

  /** Where a variable lies; it gets its memory and its initial values when first asked for. */
  storageOf(variable: Variable): Storage {
    const have = this.storage.get(variable);
    if (have && variable.isHalf !== have.isHalf) {
      throw new LatentGpuError(
        'bad-config',
        `${variable} lies in memory as float32 already; have it kept as float16 before it is used`,
      );
    }
    if (have && !variable.parent) return have;
    if (variable.parent) {
      const { variable: whole, offset } = variable.parent;
      const { buffer } = this.storageOf(whole);
      return { buffer, byteOffset: offset * 4, bytes: memoryBytes(variable), isHalf: false };
    }
    // Values come first: memory is not to be had without them.
    const values = this.startOf(variable);
    const bytes = memoryBytes(variable);
    const buffer = this.device.createBuffer(variable.name, bytes, BUFFER_USAGE);
    const storage = { buffer, byteOffset: 0, bytes, isHalf: variable.isHalf };
    this.storage.set(variable, storage);
    if (values) this.device.write(buffer, 0, values);
    this.moveParts(variable, buffer);
    return storage;
  }

  /** The numbers that a variable starts with, as they lie in memory; undefined: zeros. */
  private startOf(variable: Variable): NumberArray | undefined {
    const members = packedMembers(variable);
    if (members.length === 0) {
      return variable.init && inMemory(variable, this.initial(variable));
    }
    const values = new Float32Array(variable.size);
    for (const member of members) {
      if (this.storage.has(member) || !member.init) continue;
      values.set(this.initial(member) as Float32Array, member.parent?.offset as number);
    }
    return values;
  }

  /** Parts that have memory move into the flat one with the values that they have. */
  private moveParts(flat: Variable, buffer: GPUBuffer): void {
    const moved = packedMembers(flat).flatMap((variable) => {
      const from = this.storage.get(variable);
      return from ? [{ from, offset: variable.parent?.offset as number, variable }] : [];
    });
    if (moved.length === 0) return;
    const encoder = this.device.gpu.createCommandEncoder({ label: `pack ${flat.name}` });
    for (const { from, offset, variable } of moved) {
      const bytes = Math.min(
        from.bytes,
        Math.ceil(variable.size / PART_ALIGNMENT) * PART_ALIGNMENT * 4,
      );
      encoder.copyBufferToBuffer(from.buffer, 0, buffer, offset * 4, bytes);
    }
    this.device.submit([encoder.finish()]);
    for (const { from, variable } of moved) {
      this.storage.delete(variable);
      this.device.destroyBuffer(from.buffer);
    }
    this.onMove(flat);
  }

  private initial(variable: Variable): NumberArray {
    const random = new Random(this.seed, hashName(variable.name), 0);
    const values = variable.init?.(variable.shape, () => random.uniform(), this.seed) ?? [];
    const result =
      variable.dtype === 'u32' ? unsignedOf(variable, values) : Float32Array.from(values);
    if (result.length !== variable.size) {
      throw new LatentGpuError(
        'bad-config',
        `the initial values of ${variable} are ${result.length} numbers, not ${variable.size}`,
      );
    }
    return result;
  }

  /**
   * Overwrites a variable: float32, uint32 or byte values in row-major order.
   *
   * @throws LatentGpuError `bad-input` for what are no numbers, or none of the variable's type; `shape-mismatch`
   */
  write(variable: Variable, values: ArrayLike<number>): void {
    const wrong = noNumbers(values);
    if (wrong) throw new LatentGpuError('bad-input', `${variable}: ${wrong}`);
    if (values.length !== variable.size) {
      throw new LatentGpuError(
        'shape-mismatch',
        `${variable} holds ${variable.size} values; ${values.length} were given`,
      );
    }
    const { buffer, byteOffset } = this.storageOf(variable);
    this.device.write(buffer, byteOffset, inMemory(variable, values));
  }

  /** The values of a variable, in row-major order. */
  async read(variable: Variable): Promise<Float32Array | Uint32Array> {
    const { buffer, byteOffset, bytes } = this.storageOf(variable);
    if (variable.dtype === 'u8') {
      throw new LatentGpuError(
        'bad-input',
        `${variable} is a table of bytes; it cannot be read back`,
      );
    }
    if (variable.isHalf) return halvesOf(variable, await this.device.read(buffer, 0, bytes));
    const read = await this.device.read(buffer, byteOffset, variable.size * 4);
    return variable.dtype === 'u32' ? new Uint32Array(read) : new Float32Array(read);
  }

  /** Forgets a variable and frees its memory; a plan that still uses it finds it with its initial values. */
  release(variable: Variable): void {
    const storage = this.storage.get(variable);
    if (!storage) return;
    this.storage.delete(variable);
    this.device.destroyBuffer(storage.buffer);
    this.onMove(variable);
  }

  /** Forgets all variables and frees their memory. */
  destroy(): void {
    for (const { buffer } of this.storage.values()) this.device.destroyBuffer(buffer);
    this.storage.clear();
  }
}

/** Values as a kernel expects them: rows of bytes start at multiples of four. */
function inMemory(variable: Variable, values: ArrayLike<number>): NumberArray {
  if (variable.isHalf) return packHalves(variable, values);
  if (variable.dtype === 'f32')
    return values instanceof Float32Array ? values : Float32Array.from(values);
  if (variable.dtype === 'u32') return unsignedOf(variable, values);
  const rows = variable.shape[0] as number;
  const width = variable.size / rows;
  const stride = pitchOf(variable) as number;
  if (!(values instanceof Uint8Array)) checkBytes(variable, values);
  if (stride === width && values instanceof Uint8Array) return values;
  const padded = new Uint8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < width; i++) padded[row * stride + i] = values[row * width + i] as number;
  }
  return padded;
}

/** @throws LatentGpuError `bad-input` for what is no byte, and would become another number */
function checkBytes(variable: Variable, values: ArrayLike<number>): void {
  const at = Uint8Array.from(values).findIndex((value, i) => value !== values[i]);
  if (at < 0) return;
  throw new LatentGpuError(
    'bad-input',
    `${variable} holds bytes, and element ${at} is ${values[at]}; give whole numbers from 0 to 255`,
  );
}

/** @throws LatentGpuError `bad-input` for what is no unsigned integer, and would become another number */
function unsignedOf(variable: Variable, values: ArrayLike<number>): Uint32Array {
  if (values instanceof Uint32Array) return values;
  const result = Uint32Array.from(values);
  const at = result.findIndex((value, i) => value !== values[i]);
  if (at < 0) return result;
  throw new LatentGpuError(
    'bad-input',
    `${variable} holds unsigned integers, and element ${at} is ${values[at]}; give whole numbers from 0 on`,
  );
}

/** FNV-1a: initial values depend on a parameter's name, not on the order of its making. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
