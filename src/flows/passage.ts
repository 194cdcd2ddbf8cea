// A direction of a bijection on the GPU, whatever it costs. Parts that take one pass are a plan;
// between them, steps that follow each other are a plan that is replayed: the host writes nothing
// meanwhile, and the graph stays as short as one step.
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { add, assign, constant, expand } from '../ops/index.ts';
import type { Plan, Runtime } from '../scheduler/index.ts';
import type { Bijection, Mapped, Way } from './bijection.ts';

export interface PassageOptions {
  /** [B, C], of conditional maps. */
  readonly context?: Tensor;
  /** What is read after a run. Default: `value` [B, ...event] and `logDet` [B]. */
  readonly outputs?: (mapped: Mapped) => Record<string, Tensor>;
}

interface Leg {
  readonly plan: Plan;
  readonly steps: number;
}

/**
 * A direction of a bijection, compiled for a batch and replayed.
 *
 * ```ts
 * const z = input('z', [64, 784]);
 * const passage = await flows.Passage.compile(runtime, maf, 'forward', z);
 * runtime.write(z, noise);
 * await passage.run();
 * const x = await passage.read('value');
 * ```
 */
export class Passage {
  private readonly runtime: Runtime;
  private readonly legs: readonly Leg[];
  private readonly state: readonly Variable[];

  private constructor(runtime: Runtime, legs: readonly Leg[], state: readonly Variable[]) {
    this.runtime = runtime;
    this.legs = legs;
    this.state = state;
  }

  /** @param from memory that holds noise for `forward`, data for `inverse`: [B, ...event] */
  static async compile(
    runtime: Runtime,
    bijection: Bijection,
    way: Way,
    from: Variable,
    options: PassageOptions = {},
  ): Promise<Passage> {
    const batch = from.shape[0] as number;
    const { context, outputs = ({ value, logDet }) => ({ value, logDet }) } = options;
    const legs: Leg[] = [];
    const state: Variable[] = [];
    let value: Tensor = from;
    let logDet: Tensor = expand(constant(0), [batch]);
    try {
      for (const stage of bijection.stages(way)) {
        if ('map' in stage) {
          const mapped = stage.map(value, context);
          value = mapped.value;
          logDet = add(logDet, mapped.logDet);
          continue;
        }
        const { start, step, steps, result, state: own } = stage.recur(value, context);
        const sofar = variable('logDet so far', [batch]);
        state.push(sofar, ...own);
        const before = await runtime.compile({ effects: [...start, assign(sofar, logDet)] });
        legs.push({ plan: before, steps: 1 });
        legs.push({ plan: await runtime.compile({ effects: step }), steps });
        value = result.value;
        logDet = add(sofar, result.logDet);
      }
      const last = await runtime.compile({ outputs: outputs({ value, logDet }) });
      return new Passage(runtime, [...legs, { plan: last, steps: 1 }], state);
    } catch (error) {
      for (const { plan } of legs) plan.destroy();
      throw error;
    }
  }

  /** @throws LatentGpuError `device-lost`, `out-of-memory`, `validation` */
  async run(): Promise<void> {
    for (const { plan, steps } of this.legs) await plan.run(steps);
  }

  /** An output of the last run, in row-major order. */
  async read(name: string): Promise<Float32Array> {
    return (await (this.legs.at(-1) as Leg).plan.read(name)) as Float32Array;
  }

  /** Frees the plans and their memory; parameters stay. */
  destroy(): void {
    for (const { plan } of this.legs) plan.destroy();
    for (const variable of this.state) this.runtime.release(variable);
  }
}
