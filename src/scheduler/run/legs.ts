// Work in legs: assignments that are replayed so many times, one leg after the other. The graph has each once.
import type { Leg } from '../../graph/loop.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Plan, RunOptions } from './plan.ts';
import type { Runtime } from './runtime.ts';

/**
 * Legs at work, one after the other.
 *
 * ```ts
 * const plans = await LegPlans.of(runtime, [{ effects, times: 100 }]);
 * await plans.run();
 * plans.destroy();
 * ```
 */
export class LegPlans {
  /** Of all legs. */
  readonly steps: number;
  private readonly legs: readonly { readonly plan: Plan; readonly times: number }[];

  private constructor(legs: LegPlans['legs']) {
    this.legs = legs;
    this.steps = legs.reduce((total, { times }) => total + times, 0);
  }

  /** Compiles what the legs do; those with the same list of effects share a plan. @param also done in every step */
  static async of(
    runtime: Runtime,
    legs: readonly Leg[],
    also: readonly Tensor[] = [],
  ): Promise<LegPlans> {
    const plans = new Map<readonly Tensor[], Plan>();
    try {
      for (const { effects } of legs) {
        if (plans.has(effects)) continue;
        plans.set(effects, await runtime.compile({ effects: [...effects, ...also] }));
      }
    } catch (error) {
      for (const plan of plans.values()) plan.destroy();
      throw error;
    }
    return new LegPlans(
      legs.map(({ effects, times }) => ({ plan: plans.get(effects) as Plan, times })),
    );
  }

  /** From the first step to the last, unless it is stopped. @returns the steps done */
  async run({
    signal,
    onProgress,
  }: Pick<RunOptions, 'signal' | 'onProgress'> = {}): Promise<number> {
    let done = 0;
    for (const { plan, times } of this.legs) {
      if (signal?.aborted) break;
      const before = done;
      done += await plan.run(times, {
        ...(signal && { signal }),
        ...(onProgress && { onProgress: (of: number) => onProgress(before + of) }),
      });
    }
    return done;
  }

  destroy(): void {
    for (const plan of new Set(this.legs.map(({ plan }) => plan))) plan.destroy();
  }
}
