// A plan: a schedule bound to a device. Running it writes nothing from the host: every number that
// changes from step to step lives on the GPU.
import type { Device } from '../../device/index.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Variable } from '../../graph/variable.ts';
import type { Kernel } from '../emit/kernel.ts';
import { bufferOf } from '../place/kernel-binding.ts';
import { checkIndex, tablesIndexedBy } from './index-inputs.ts';
import { Pace } from './pace.ts';
import { PlanMemory } from './plan-memory.ts';
import type { Schedule } from './schedule.ts';
import { dispatchOrder } from './turns.ts';
import type { VariableMemory } from './variable-memory.ts';

/** A submission has no more dispatches, however long a step is. */
const MOST_DISPATCHES = 4096;

export interface RunOptions {
  /** Called after every submission that is known to be done. */
  onProgress?: (stepsDone: number) => void;
  /** Stops after the submissions under way. */
  signal?: AbortSignal;
  /** What the host has to write before the GPU goes on, if anything. */
  feed?: StepFeed;
}

/** Writes what steps need that the GPU cannot hold for all of them at once. */
export interface StepFeed {
  /** No submission has more steps. */
  readonly most: number;
  /** Called before the submission of steps `from` to `from + count` of this run. */
  write(from: number, count: number): void;
}

/**
 * A schedule at work on a device. Get one with `runtime.compile`.
 *
 * ```ts
 * const plan = await runtime.compile({ outputs: { y: ops.relu(x) } });
 * await plan.run();
 * const y = await plan.read('y'); // numbers in row-major order
 * plan.destroy();
 * ```
 */
export class Plan {
  readonly schedule: Schedule;
  private readonly device: Device;
  private readonly memory: PlanMemory;
  private readonly variables: VariableMemory;
  private readonly pace: Pace;
  private readonly onDestroy: (() => void) | undefined;
  private readonly compiling: Promise<GPUComputePipeline[]>;
  /** Tables of which an input picks rows, once it has been given: requests may be many. */
  private readonly indexed = new Map<Variable, readonly Tensor[]>();
  private pipelines: GPUComputePipeline[] | undefined;
  private bindGroups: GPUBindGroup[] | undefined;
  private destroyed = false;

  private constructor(
    device: Device,
    variables: VariableMemory,
    plan: Schedule,
    roundTrip: number,
    onDestroy?: () => void,
  ) {
    this.device = device;
    this.compiling = Promise.all(
      plan.kernels.map((kernel) =>
        device.createPipeline(
          kernel.label,
          kernel.code,
          kernel.bindings.map((binding) => binding.kind),
        ),
      ),
    );
    // It may fail before it is waited for.
    this.compiling.catch(() => {});
    this.pace = new Pace(roundTrip);
    this.variables = variables;
    this.memory = new PlanMemory(device, variables, plan);
    this.onDestroy = onDestroy;
    this.schedule = plan;
  }

  /** Use `runtime.compile`. Its kernels are still being compiled: see {@link ready}. */
  static async create(
    device: Device,
    variables: VariableMemory,
    plan: Schedule,
    onDestroy?: () => void,
  ): Promise<Plan> {
    // Before the compiler keeps the GPU's process busy.
    const roundTrip = await device.roundTrip();
    return new Plan(device, variables, plan, roundTrip, onDestroy);
  }

  /**
   * Waits until all kernels are compiled; {@link run} does so by itself.
   *
   * @throws LatentGpuError `bad-kernel`, `limit-exceeded`, `device-lost`
   */
  async ready(): Promise<void> {
    this.pipelines ??= await this.compiling;
  }

  /** The pipeline of a kernel, once the plan is ready. */
  private pipelineOf(kernel: number): GPUComputePipeline {
    return (this.pipelines as GPUComputePipeline[])[kernel] as GPUComputePipeline;
  }

  /** Each dispatch with its shapes, FLOP and bytes, what was fused into it, and the memory map. */
  explain(): string {
    return this.schedule.explain();
  }

  /** Bind groups are made anew before the next dispatch, if they have to do with a variable that has moved. */
  rebind(moved: Variable): void {
    const { variables } = this.schedule;
    if (variables.some((variable) => bufferOf(variable) === moved)) this.bindGroups = undefined;
  }

  private bound(): GPUBindGroup[] {
    this.bindGroups ??= this.bind();
    return this.bindGroups;
  }

  private bind(): GPUBindGroup[] {
    const { device } = this;
    return this.schedule.kernels.map((kernel, i) =>
      device.createBindGroup(
        kernel.label,
        this.pipelineOf(i),
        kernel.bindings.map(({ memory, offset, bytes }) => {
          const place = this.memory.placeOf(memory);
          const size = bytes ?? place.size - offset;
          return { ...place, offset: place.offset + offset, size };
        }),
      ),
    );
  }

  /**
   * Runs `steps` steps, as many a submission as stay short, and waits until they are done.
   *
   * @returns the steps done: fewer than asked for only if the signal stopped it
   * @throws LatentGpuError `device-lost`, `out-of-memory`, `validation`; what {@link ready} throws
   */
  async run(steps = 1, options: RunOptions = {}): Promise<number> {
    if (this.destroyed) throw wasDestroyed();
    if (!(Number.isInteger(steps) && steps >= 0)) {
      throw new LatentGpuError(
        'bad-input',
        `a plan cannot run ${steps} steps; give a whole number`,
      );
    }
    // The first steps are submitted before this returns: what the caller writes next is for later ones.
    if (!this.pipelines) await this.ready();
    this.bound();
    const { device } = this;
    let done = 0;
    let submitted = 0;
    const waiting: { steps: number; finished: Promise<void> }[] = [];
    let last = device.now();
    while (done < steps) {
      while (submitted < steps && waiting.length < 2 && !options.signal?.aborted) {
        const { feed } = options;
        const most = Math.min(this.pace.steps, feed?.most ?? steps);
        const count = Math.min(steps - submitted, most);
        feed?.write(submitted, count);
        this.submit(count);
        submitted += count;
        const finished = device.sync();
        // It may fail before it is waited for, or while another failure is on its way.
        finished.catch(() => {});
        waiting.push({ steps: count, finished });
      }
      const next = waiting.shift();
      if (!next) break;
      await next.finished;
      const now = device.now();
      this.pace.note((now - last) / next.steps);
      last = now;
      done += next.steps;
      options.onProgress?.(done);
    }
    return done;
  }

  private submit(steps: number): void {
    const { device, schedule } = this;
    const begun = () => {
      const encoder = device.gpu.createCommandEncoder();
      return { encoder, pass: encoder.beginComputePass(), length: 0 };
    };
    const send = ({ encoder, pass }: ReturnType<typeof begun>) => {
      pass.end();
      device.submit([encoder.finish()]);
    };
    let open = begun();
    for (let step = 0; step < steps; step++) {
      for (const kernel of dispatchOrder(schedule.turns)) {
        // One that grew long, as a loop's may, is sent on its way.
        if (open.length === MOST_DISPATCHES) {
          send(open);
          open = begun();
        }
        this.encode(open.pass, kernel);
        open.length += 1;
      }
    }
    send(open);
  }

  /** Encodes one dispatch of a step, for whoever times it by itself. */
  encode(pass: GPUComputePassEncoder, kernel: number): void {
    const { dispatch } = this.schedule.kernels[kernel] as Kernel;
    pass.setPipeline(this.pipelineOf(kernel));
    pass.setBindGroup(0, this.bound()[kernel] as GPUBindGroup);
    pass.dispatchWorkgroups(...dispatch);
    this.device.counters.dispatches += 1;
  }

  /**
   * The values of an output after the last run, in row-major order.
   *
   * @throws LatentGpuError `bad-input` for a name that is none of its outputs, or a plan that was destroyed;
   *   `device-lost`
   */
  async read(name: string): Promise<Float32Array | Uint32Array> {
    const output = this.schedule.outputs.get(name);
    if (!output) {
      const known = [...this.schedule.outputs.keys()].join(', ') || 'none';
      throw new LatentGpuError('bad-input', `this plan has no output '${name}'; it has: ${known}`);
    }
    if (this.destroyed) throw wasDestroyed();
    const { tensor, location } = output;
    const { buffer, offset } = this.memory.placeOf(location.memory);
    const start = offset + location.offset * 4;
    const bytes = await this.device.read(buffer, start, tensor.size * 4);
    return tensor.dtype === 'u32' ? new Uint32Array(bytes) : new Float32Array(bytes);
  }

  /**
   * Writes the plan's inputs, runs it once and reads its outputs, as one: calls that are made at the same time, of
   * any plan of the runtime, take place one after the other, and each gets its own answer. What is drawn is drawn anew
   * only if the plan moves `ops.step`, by an effect.
   *
   * ```ts
   * const x = input('x', [1, 784]);
   * const plan = await runtime.compile({ outputs: { y: net.call(x) } });
   * const answers = await Promise.all(rows.map((row) => plan.compute({ x: row })));
   * ```
   *
   * @param inputs numbers for each `input` that the plan reads, by its name
   * @throws LatentGpuError `bad-input` for one that is missing, none of the plan's, of another size, or an index of rows
   *   that a table has not; what {@link run} throws
   */
  compute(
    inputs: Readonly<Record<string, ArrayLike<number>>> = {},
  ): Promise<Record<string, Float32Array | Uint32Array>> {
    return this.variables.inTurn(async () => {
      for (const [held, values] of this.inputsOf(inputs)) this.variables.write(held, values);
      await this.run();
      const names = [...this.schedule.outputs.keys()];
      const values = await Promise.all(names.map((name) => this.read(name)));
      return Object.fromEntries(names.map((name, i) => [name, values[i] as (typeof values)[0]]));
    });
  }

  private inputsOf(given: Readonly<Record<string, ArrayLike<number>>>) {
    const inputs = this.schedule.variables.filter(({ role }) => role === 'input');
    const names = inputs.map(({ name }) => name);
    const known = names.join(', ') || 'none';
    const stray = Object.keys(given).find((name) => !names.includes(name));
    const lacking = names.find((name) => !Object.hasOwn(given, name));
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    const wrong =
      (stray && `it has no input '${stray}'`) ??
      (lacking && `input '${lacking}' is not given`) ??
      (twice && `two of its inputs are called '${twice}'`);
    if (wrong) throw new LatentGpuError('bad-input', `this plan computes of ${known}: ${wrong}`);
    return inputs.map((held) => {
      const values = given[held.name] as ArrayLike<number>;
      if (held.dtype === 'u32') checkIndex(held, values, this.tablesOf(held));
      return [held, values] as const;
    });
  }

  private tablesOf(index: Variable): readonly Tensor[] {
    const known =
      this.indexed.get(index) ??
      tablesIndexedBy(
        index,
        this.schedule.kernels.flatMap(({ nodes }) => nodes),
      );
    this.indexed.set(index, known);
    return known;
  }

  /** Frees the plan's own memory; variables stay. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.memory.destroy();
    this.onDestroy?.();
  }
}

const wasDestroyed = () =>
  new LatentGpuError('bad-input', 'this plan was destroyed; compile it again');
