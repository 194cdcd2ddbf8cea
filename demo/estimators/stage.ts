// A toy whose rows lie at one place, and the plan that runs over them.
import type { Tensor } from '../../src/index.ts';
import type { LabPlan, LabRuntime } from '../lab/host-runtime.ts';
import type { Toy } from './toys.ts';

interface Program {
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly effects: readonly Tensor[];
}

export class Stage {
  readonly toy: Toy;
  readonly plan: LabPlan;
  private readonly rows: number;
  private readonly runtime: LabRuntime;

  private constructor(runtime: LabRuntime, toy: Toy, rows: number, plan: LabPlan) {
    this.runtime = runtime;
    this.toy = toy;
    this.rows = rows;
    this.plan = plan;
  }

  static async open(
    runtime: LabRuntime,
    rows: number,
    makeToy: (rows: number) => Toy,
    programOf: (toy: Toy) => Program,
  ): Promise<Stage> {
    const toy = makeToy(rows);
    return new Stage(runtime, toy, rows, await runtime.compile(programOf(toy)));
  }

  /** Puts the toy `off` from its posterior. */
  place(off: number): void {
    for (const [held, row] of this.toy.values(off)) {
      const size = row.length * this.rows;
      const all = Float32Array.from({ length: size }, (_, i) => row[i % row.length] as number);
      this.runtime.write(held, all);
    }
  }

  close(): void {
    this.plan.destroy();
    for (const [held] of this.toy.values(0)) this.runtime.release(held);
  }
}
