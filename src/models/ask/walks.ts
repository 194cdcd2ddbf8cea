// Walks at work: each of their parts compiled once and replayed, so that the host waits for none of the steps.
import { addUint, assign, step } from '../../ops/index.ts';
import type { Plan, Runtime } from '../../scheduler/index.ts';
import type { Walk } from '../family.ts';
import type { WorkOptions } from './rows.ts';

export class WalkPlans {
  readonly walk: Walk;
  private readonly start: Plan;
  private readonly legs: readonly { readonly plan: Plan; readonly times: number }[];

  private constructor(walk: Walk, start: Plan, legs: WalkPlans['legs']) {
    this.walk = walk;
    this.start = start;
    this.legs = legs;
  }

  static async of(runtime: Runtime, walk: Walk): Promise<WalkPlans> {
    const next = assign(step, addUint(step, 1));
    const legs = [];
    for (const { effects, times } of walk.legs) {
      legs.push({ plan: await runtime.compile({ effects: [...effects, next] }), times });
    }
    const start = await runtime.compile({ effects: [...walk.start, next] });
    return new WalkPlans(walk, start, legs);
  }

  /** Draws of noise, one after the other. */
  get draws(): number {
    const { legs, rounds } = this.walk;
    return 1 + rounds * legs.reduce((total, { times }) => total + times, 0);
  }

  /** From the first step to the last, unless it is stopped. */
  async run({ signal, onProgress }: WorkOptions): Promise<void> {
    const { rounds } = this.walk;
    await this.start.run();
    for (let round = 0; round < rounds && !signal?.aborted; round++) {
      for (const { plan, times } of this.legs) {
        await plan.run(times, {
          ...(signal && { signal }),
          onProgress: (done) => onProgress?.((round + done / times) / rounds),
        });
      }
    }
  }

  destroy(runtime: Runtime): void {
    this.start.destroy();
    for (const { plan } of this.legs) plan.destroy();
    for (const held of this.walk.state) runtime.release(held);
  }
}
