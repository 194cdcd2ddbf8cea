// Plans and their variables on one device.
import type { Device } from '../../device/index.ts';
import type { Variable } from '../../graph/variable.ts';
import { sameTable, type TunedTable } from '../../kernels/tuned.ts';
import {
  newTuner,
  sharedTuner,
  type TuneMode,
  type TuneOptions,
  type Tuner,
} from '../../tuning/index.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { tuningTasks } from './candidates.ts';
import { loopTurnsIn } from './loop-turns.ts';
import { Plan } from './plan.ts';
import { type Program, type Schedule, schedule } from './schedule.ts';
import { type Storage, VariableMemory } from './variable-memory.ts';

export interface RuntimeOptions {
  /** Of the initial values of parameters and of draws (`ops.seed`), a whole number from 0 to 2⁵³ - 1. Default: 0. */
  seed?: number;
  /**
   * Plans as for another class of adapter: a GPU's kernels can be tried on any machine. Nothing is
   * then measured or remembered.
   */
  adapter?: Partial<AdapterClass>;
  /** Whether kernels are chosen by measurement. Default: as `LATENTGPU_TUNE` says, else `auto`. */
  tune?: TuneMode | TuneOptions | Tuner;
}

/**
 * Plans and their variables on one device: compiles graphs, and holds what they read and write.
 *
 * ```ts
 * const runtime = new Runtime(await openDevice(), { seed: 1 });
 * const x = input('x', [100, 784]);
 * const plan = await runtime.compile({ outputs: { y: ops.relu(x) } });
 * runtime.write(x, new Float32Array(100 * 784));
 * await plan.run();
 * runtime.destroy();
 * ```
 */
export class Runtime {
  readonly device: Device;
  readonly seed: number;
  private planning: AdapterClass;
  private tuner: Tuner | undefined;
  /** Its variables, each with a place once it has been used. */
  readonly variables: VariableMemory;
  private readonly plans = new Set<Plan>();

  constructor(device: Device, options: RuntimeOptions = {}) {
    this.device = device;
    this.seed = options.seed ?? 0;
    this.variables = new VariableMemory(device, this.seed, (moved) => {
      for (const plan of this.plans) plan.rebind(moved);
    });
    const { limits } = device.gpu;
    this.planning = {
      isSoftware: device.adapter.isSoftware,
      vendor: device.adapter.vendor,
      ...(device.subgroupSize !== undefined && { subgroupSize: device.subgroupSize }),
      asksSubgroupSize: device.asksSubgroupSize,
      maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
      maxUniformBuffers: limits.maxUniformBuffersPerShaderStage,
      maxInvocations: limits.maxComputeInvocationsPerWorkgroup,
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
   * chosen by measurement are measured first, in memory of their own. Draws of a plan are a function of `ops.seed`,
   * `ops.step` and their streams, which plans number alike: see `ops.NoiseOptions`.
   *
   * @throws LatentGpuError `bad-config`, `bad-kernel`, `limit-exceeded`, `device-lost`
   */
  async compile(program: Program): Promise<Plan> {
    const plan = await this.beginCompiling(program);
    try {
      await plan.ready();
    } catch (error) {
      plan.destroy();
      throw error;
    }
    return plan;
  }

  /**
   * As {@link compile}, while whose kernels are still being compiled: variables may be written and read
   * meanwhile. What the compiler refuses is thrown by the plan's `ready` and `run`.
   */
  async beginCompiling(program: Program): Promise<Plan> {
    const { device, variables, plans } = this;
    const planned = await this.schedule(program);
    const plan = await Plan.create(device, variables, planned, () => plans.delete(plan));
    plans.add(plan);
    return plan;
  }

  /**
   * What {@link compile} would run: planned for this device, with kernels chosen by measurement where
   * that is wished.
   */
  async schedule(program: Program): Promise<Schedule> {
    const { tuner } = this;
    const loopTurns = await loopTurnsIn(this.device);
    if (loopTurns !== undefined) this.planning = { loopTurns, ...this.planning };
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
    return this.variables.storageOf(variable);
  }

  /**
   * Overwrites a variable: float32, uint32 or byte values in row-major order.
   *
   * @throws LatentGpuError `bad-input` for what are no numbers, or none of the variable's type; `shape-mismatch`
   */
  write(variable: Variable, values: ArrayLike<number>): void {
    this.variables.write(variable, values);
  }

  /** The values of a variable, in row-major order. */
  read(variable: Variable): Promise<Float32Array | Uint32Array> {
    return this.variables.read(variable);
  }

  /** Forgets a variable and frees its memory. */
  release(variable: Variable): void {
    this.variables.release(variable);
  }

  /** Frees all plans and variables; the device stays open. */
  destroy(): void {
    for (const plan of [...this.plans]) plan.destroy();
    this.variables.destroy();
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
