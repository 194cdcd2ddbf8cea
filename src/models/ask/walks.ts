// Walks at work: each of their parts compiled once and replayed, so that the host waits for none of the steps.
import { addUint, assign, step } from '../../ops/index.ts';
import { LegPlans, type Runtime } from '../../scheduler/index.ts';
import type { Walk } from '../abilities.ts';
import type { WorkOptions } from './rows.ts';

export class WalkPlans {
  readonly walk: Walk;
  private readonly legs: LegPlans;

  private constructor(walk: Walk, legs: LegPlans) {
    this.walk = walk;
    this.legs = legs;
  }

  static async of(runtime: Runtime, walk: Walk): Promise<WalkPlans> {
    const rounds = Array.from({ length: walk.rounds }, () => walk.legs).flat();
    const legs = [{ effects: walk.start, times: 1 }, ...rounds];
    // Every step draws noise of its own.
    return new WalkPlans(walk, await LegPlans.of(runtime, legs, [assign(step, addUint(step, 1))]));
  }

  /** Draws of noise, one after the other. */
  get draws(): number {
    return this.legs.steps;
  }

  /** From the first step to the last, unless it is stopped. */
  async run({ signal, onProgress }: WorkOptions): Promise<void> {
    await this.legs.run({
      ...(signal && { signal }),
      onProgress: (done) => onProgress?.(done / this.legs.steps),
    });
  }

  destroy(runtime: Runtime): void {
    this.legs.destroy();
    for (const held of this.walk.state) runtime.release(held);
  }
}
