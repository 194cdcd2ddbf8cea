// Many runs of training side by side, all by one estimator: how far q still is from the posterior.
import { input, ops, type Variable } from '../../src/index.ts';
import type { LabRuntime } from '../lab/host-runtime.ts';
import { Stage } from './stage.ts';
import type { Estimator } from './table.ts';
import type { Toy } from './toys.ts';

const RUNS = 128;
export const RACE_STEPS = 240;

export interface Reached {
  readonly step: number;
  /** Nats, over the runs: the median, and the middle half. */
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export class Racer {
  readonly estimator: Estimator;
  reached: Reached[] = [];
  private readonly stage: Stage;
  private readonly rate: Variable;

  private constructor(estimator: Estimator, stage: Stage, rate: Variable) {
    this.estimator = estimator;
    this.stage = stage;
    this.rate = rate;
  }

  /** Plain stochastic gradient ascent of the encoder; the decoder is given. */
  static async open(
    runtime: LabRuntime,
    estimator: Estimator,
    samples: number,
    makeToy: (rows: number) => Toy,
    temperature: Variable,
  ): Promise<Racer> {
    const rate = input('rate', []);
    const stage = await Stage.open(runtime, RUNS, makeToy, (toy) => {
      const { surrogate } = estimator.of(toy, samples, temperature);
      const gradients = ops.gradient(ops.sum(surrogate), [...toy.encoder]);
      const moved = toy.encoder.map((held, i) => {
        const by = gradients[i];
        if (!by) throw new Error('an objective has a gradient for each parameter');
        return ops.assign(held, ops.add(held, ops.mul(rate, by)));
      });
      return {
        outputs: { gap: toy.gap },
        effects: [...moved, ops.assign(ops.step, ops.addUint(ops.step, 1))],
      };
    });
    return new Racer(estimator, stage, rate);
  }

  place(runtime: LabRuntime, off: number, rate: number): void {
    this.stage.place(off);
    this.pace(runtime, rate);
    this.reached = [];
  }

  pace(runtime: LabRuntime, rate: number): void {
    runtime.write(this.rate, [rate]);
  }

  get step(): number {
    return this.reached.at(-1)?.step ?? 0;
  }

  async run(steps: number): Promise<void> {
    const isFirst = this.reached.length === 0;
    const done = isFirst ? 1 : steps;
    const { reached, step, stage } = this;
    await stage.plan.run(done);
    const gaps = Float32Array.from(await stage.plan.read('gap')).sort();
    const at = (share: number) => gaps[Math.floor(share * (RUNS - 1))] as number;
    reached.push({
      step: isFirst ? 1 : step + done,
      median: at(0.5),
      low: at(0.25),
      high: at(0.75),
    });
  }

  close(runtime: LabRuntime): void {
    this.stage.close();
    runtime.release(this.rate);
  }
}
