// Many runs of training side by side, all by one estimator: how far q still is from the posterior.
import { input, ops, type Variable } from '../../src/index.ts';
import type { LabPlan, LabRuntime } from '../lab/host-runtime.ts';
import { repeated } from './cell.ts';
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
  private readonly toy: Toy;
  private readonly plan: LabPlan;
  private readonly rate: Variable;

  private constructor(estimator: Estimator, toy: Toy, plan: LabPlan, rate: Variable) {
    this.estimator = estimator;
    this.toy = toy;
    this.plan = plan;
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
    const toy = makeToy(RUNS);
    const rate = input('rate', []);
    const { surrogate } = estimator.of(toy, samples, temperature);
    const gradients = ops.gradient(ops.sum(surrogate), [...toy.encoder]);
    const plan = await runtime.compile({
      outputs: { gap: toy.gap },
      effects: [
        ...toy.encoder.map((held, i) => {
          const by = gradients[i];
          if (!by) throw new Error('an objective has a gradient for each parameter');
          return ops.assign(held, ops.add(held, ops.mul(rate, by)));
        }),
        ops.assign(ops.step, ops.addUint(ops.step, 1)),
      ],
    });
    return new Racer(estimator, toy, plan, rate);
  }

  place(runtime: LabRuntime, off: number, rate: number): void {
    for (const [held, row] of this.toy.values(off)) runtime.write(held, repeated(row, RUNS));
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
    const { reached, step } = this;
    await this.plan.run(done);
    const gaps = Float32Array.from(await this.plan.read('gap')).sort();
    const at = (share: number) => gaps[Math.floor(share * (RUNS - 1))] as number;
    reached.push({
      step: isFirst ? 1 : step + done,
      median: at(0.5),
      low: at(0.25),
      high: at(0.75),
    });
  }

  close(runtime: LabRuntime): void {
    this.plan.destroy();
    runtime.release(this.rate);
    for (const [held] of this.toy.values(0)) runtime.release(held);
  }
}
