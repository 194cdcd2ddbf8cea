// Graphs where there is no GPU: computed in the page, in float64, by the references of their ops.
import type { Tensor } from '../../src/graph/tensor.ts';
import { topological } from '../../src/graph/traverse.ts';
import type { Variable } from '../../src/graph/variable.ts';
import { isVariable } from '../../src/graph/variable.ts';
import { ops } from '../../src/index.ts';
import { evaluate } from '../../src/ops/evaluate.ts';
import { targetOf } from '../../src/scheduler/lower/effects.ts';
import type { Program } from '../../src/scheduler/run/schedule.ts';

/** What pages use of a plan. */
export interface LabPlan {
  run(steps?: number): Promise<unknown>;
  read(name: string): Promise<ArrayLike<number>>;
  destroy(): void;
}

/** What pages use of a runtime. */
export interface LabRuntime {
  compile(program: Program): Promise<LabPlan>;
  write(variable: Variable, values: ArrayLike<number>): void;
  read(variable: Variable): Promise<ArrayLike<number>>;
  release(variable: Variable): void;
  /** What has been written so far stays, should a GPU be lost. */
  keep(): void;
}

export class HostRuntime implements LabRuntime {
  private readonly values = new Map<Tensor, ArrayLike<number>>();
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  private valueOf(variable: Variable): ArrayLike<number> {
    let found = this.values.get(variable);
    if (!found) {
      const { init, shape } = variable;
      if (variable === ops.seed) found = [this.seed, 0];
      else found = init?.(shape, Math.random) ?? new Float64Array(variable.size);
      this.values.set(variable, found);
    }
    return found;
  }

  async compile({ outputs = {}, effects = [] }: Program): Promise<LabPlan> {
    const names = Object.keys(outputs);
    // In the order in which a plan's noise is numbered.
    const roots = [...Object.values(outputs), ...effects];
    const variables = topological(roots).filter(isVariable);
    let results: ArrayLike<number>[] = [];
    const step = () => {
      const given = new Map(variables.map((each) => [each, this.valueOf(each)]));
      results = evaluate(roots, given).map(({ data }) => data as ArrayLike<number>);
      for (const [i, effect] of effects.entries()) {
        this.write(targetOf(effect) as Variable, results[names.length + i] as ArrayLike<number>);
      }
    };
    return {
      run: async (steps = 1) => {
        for (let i = 0; i < steps; i++) step();
      },
      read: async (name) => results[names.indexOf(name)] as ArrayLike<number>,
      destroy: () => {},
    };
  }

  write(variable: Variable, values: ArrayLike<number>): void {
    this.values.set(variable, Float64Array.from(values));
  }

  async read(variable: Variable): Promise<ArrayLike<number>> {
    return this.valueOf(variable);
  }

  release(variable: Variable): void {
    this.values.delete(variable);
  }

  keep(): void {}

  /** Forgets everything. */
  clear(): void {
    this.values.clear();
  }
}
