// The memory of variables on one device, shared by all plans made for it.

import type { Device } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import { PART_ALIGNMENT, packedMembers, type Variable } from '../graph/variable.ts';
import { sameTable, type TunedTable } from '../kernels/tuned.ts';
import { Random } from '../random.ts';
import {
  newTuner,
  sharedTuner,
  type TuneMode,
  type TuneOptions,
  type Tuner,
} from '../tuning/index.ts';
import { pitchOf } from './access.ts';
import type { AdapterClass } from './adapter.ts';
import { memoryBytes } from './bindings.ts';
import { tuningTasks } from './candidates.ts';
import { halvesOf, packHalves } from './halves.ts';
import { Plan } from './plan.ts';
import { type Program, type Schedule, schedule } from './schedule.ts';

/** Where a variable lies. */
export interface Storage {
  readonly buffer: GPUBuffer;
  readonly byteOffset: number;
  readonly bytes: number;
  readonly isHalf: boolean;
}

export type NumberArray = Float32Array | Uint32Array | Uint8Array;

const USAGE = { storage: 0x80, uniform: 0x40, copySource: 0x04, copyTarget: 0x08 };
export const BUFFER_USAGE = USAGE.storage | USAGE.uniform | USAGE.copySource | USAGE.copyTarget;

export interface RuntimeOptions {
  /** Of the initial values of parameters. A whole number from 0 to 2⁵³ - 1. */
  seed?: number;
  /**
   * Plans as for another class of adapter: a GPU's kernels can be tried on any machine. Nothing is
   * then measured or remembered.
   */
  adapter?: Partial<AdapterClass>;
  /** Whether kernels are chosen by measurement. Default: as `LATENTGPU_TUNE` says, else `auto`. */
  tune?: TuneMode | TuneOptions | Tuner;
}

export class Runtime {
  readonly device: Device;
  readonly seed: number;
  private planning: AdapterClass;
  private tuner: Tuner | undefined;
  private readonly storage = new Map<Variable, Storage>();
  private readonly plans = new Set<Plan>();

  constructor(device: Device, options: RuntimeOptions = {}) {
    this.device = device;
    this.seed = options.seed ?? 0;
    const { limits } = device.gpu;
    this.planning = {
      isSoftware: device.adapter.isSoftware,
      vendor: device.adapter.vendor,
      ...(device.subgroupSize !== undefined && { subgroupSize: device.subgroupSize }),
      maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
      maxUniformBuffers: limits.maxUniformBuffersPerShaderStage,
      maxBindingBytes: limits.maxStorageBufferBindingSize,
      ...options.adapter,
    };
    this.tuner = options.adapter ? undefined : tunerOf(device, options.tune);
  }

  /** What plans are made for, with what is known so far of the fastest variants. */
  get adapter(): AdapterClass {
    return this.planning;
  }

  /**
   * From now on kernels are chosen by this table and by nothing that is measured or remembered: what
   * a run begins with, it goes on with.
   */
  settle(tuned: TunedTable): void {
    this.tuner = undefined;
    this.planning = { ...this.planning, tuned };
  }

  /**
   * Plans a program for this device, compiles its kernels and gives it memory. Kernels that are to be
   * chosen by measurement are measured first, in memory of their own.
   */
  async compile(program: Program): Promise<Plan> {
    const plan = await Plan.create(this, await this.schedule(program));
    this.plans.add(plan);
    return plan;
  }

  /**
   * What {@link compile} would run: planned for this device, with kernels chosen by measurement where
   * that is wished.
   */
  async schedule(program: Program): Promise<Schedule> {
    const { tuner } = this;
    if (!tuner) return schedule(program, this.planning);
    this.planning = { ...this.planning, tuned: await tuner.known() };
    const planned = schedule(program, this.planning);
    if (!tuner.measures) return planned;
    const tuned = await tuner.choose(tuningTasks(planned));
    this.planning = { ...this.planning, tuned };
    return sameTable(tuned, planned.adapter.tuned ?? {}) ? planned : planned.tuned(tuned);
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
    const bytes = memoryBytes(variable);
    const buffer = this.device.createBuffer(variable.name, bytes, BUFFER_USAGE);
    const storage = { buffer, byteOffset: 0, bytes, isHalf: variable.isHalf };
    this.storage.set(variable, storage);
    const members = packedMembers(variable);
    if (members.length > 0) this.fillParts(variable, members, buffer);
    else if (variable.init) {
      this.device.write(buffer, 0, inMemory(variable, this.initial(variable)));
    }
    return storage;
  }

  /** Parts move into the flat memory with the values they have, or start with their initial ones. */
  private fillParts(flat: Variable, members: readonly Variable[], buffer: GPUBuffer): void {
    const values = new Float32Array(flat.size);
    const moved: { from: Storage; offset: number; variable: Variable }[] = [];
    for (const member of members) {
      const offset = member.parent?.offset as number;
      const from = this.storage.get(member);
      if (from) moved.push({ from, offset, variable: member });
      else if (member.init) values.set(this.initial(member) as Float32Array, offset);
    }
    this.device.write(buffer, 0, values);
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
    for (const plan of this.plans) plan.rebind();
  }

  private initial(variable: Variable): NumberArray {
    const random = new Random(this.seed, hashName(variable.name), 0);
    const values = variable.init?.(variable.shape, () => random.uniform()) ?? [];
    const result = variable.dtype === 'u32' ? Uint32Array.from(values) : Float32Array.from(values);
    if (result.length !== variable.size) {
      throw new LatentGpuError(
        'bad-config',
        `the initial values of ${variable} are ${result.length} numbers, not ${variable.size}`,
      );
    }
    return result;
  }

  /** Overwrites a variable: float32, uint32 or byte values in row-major order. */
  write(variable: Variable, values: ArrayLike<number>): void {
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

  /** Forgets a variable and frees its memory. */
  release(variable: Variable): void {
    const storage = this.storage.get(variable);
    if (!storage) return;
    this.storage.delete(variable);
    this.device.destroyBuffer(storage.buffer);
  }

  /** A plan that is done with; its memory is free. */
  forget(plan: Plan): void {
    this.plans.delete(plan);
  }

  /** Frees all plans and variables; the device stays open. */
  destroy(): void {
    for (const plan of [...this.plans]) plan.destroy();
    for (const { buffer } of this.storage.values()) this.device.destroyBuffer(buffer);
    this.storage.clear();
  }
}

function tunerOf(device: Device, tune: RuntimeOptions['tune']): Tuner | undefined {
  const tuner =
    typeof tune !== 'object'
      ? sharedTuner(device, tune)
      : 'choose' in tune
        ? tune
        : newTuner(device, tune);
  return tuner.mode === 'off' ? undefined : tuner;
}

/** Values as a kernel expects them: rows of bytes start at multiples of four. */
function inMemory(variable: Variable, values: ArrayLike<number>): NumberArray {
  if (variable.isHalf) return packHalves(variable, values);
  if (variable.dtype === 'f32')
    return values instanceof Float32Array ? values : Float32Array.from(values);
  if (variable.dtype === 'u32')
    return values instanceof Uint32Array ? values : Uint32Array.from(values);
  const rows = variable.shape[0] as number;
  const width = variable.size / rows;
  const stride = pitchOf(variable) as number;
  if (stride === width && values instanceof Uint8Array) return values;
  const padded = new Uint8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < width; i++) padded[row * stride + i] = values[row * width + i] as number;
  }
  return padded;
}

/** FNV-1a: initial values depend on a parameter's name, not on the order of its making. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
