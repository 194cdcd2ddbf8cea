// A runtime that outlasts its device: what plans have written comes to the host with every run, and goes to
// the device that replaces one that is lost.

import type { Variable } from '../../src/graph/variable.ts';
import { Runtime } from '../../src/index.ts';
import type { Plan, Program } from '../../src/scheduler/index.ts';
import { targetOf } from '../../src/scheduler/lower/effects.ts';
import { type OnDevice, Renewable, type Steps } from '../../src/training/renewable.ts';
import type { LabPlan, LabRuntime } from './host-runtime.ts';

type Values = Map<Variable, ArrayLike<number>>;

interface Held extends OnDevice {
  runtime: Runtime;
}

export class LastingRuntime implements LabRuntime {
  private readonly held: Renewable<Held>;
  private readonly made: (device: Runtime['device']) => Runtime;
  private readonly plans = new Set<LastingPlan>();
  /** What a lost device falls back to, and what has been written since. */
  private kept: Values = new Map();
  private pending: Values = new Map();

  private constructor(open: Steps<Held>['open'], seed: number) {
    // What pages compute is too small for choosing kernels by measurement.
    this.made = (device) => new Runtime(device, { seed, tune: 'off' });
    this.held = new Renewable({
      open,
      make: async (device) => ({ runtime: this.made(device) }),
      begin: () => this.moveIn(),
    });
  }

  /** @throws LatentGpuError `no-adapter` */
  static async open(open: Steps<Held>['open'], seed: number): Promise<LastingRuntime> {
    const runtime = new LastingRuntime(open, seed);
    await runtime.protect(async () => {});
    return runtime;
  }

  get now(): Runtime {
    return this.held.now.runtime;
  }

  /** Devices lost and replaced so far. */
  get recoveries(): number {
    return this.held.recoveries;
  }

  /** Does some work and keeps what it has written; if the device is lost on the way, again on another one. */
  protect<R>(work: () => Promise<R>): Promise<R> {
    return this.held.protect(async () => {
      const result = await work();
      this.keep();
      return result;
    });
  }

  keep(): void {
    for (const [variable, values] of this.pending) this.kept.set(variable, values);
    this.pending.clear();
  }

  /** Another device has been opened. */
  private async moveIn(): Promise<void> {
    this.pending.clear();
    for (const [variable, values] of this.kept) this.now.write(variable, values);
    await Promise.all([...this.plans].map((plan) => plan.moveTo(this.now)));
  }

  async compile(program: Program): Promise<LabPlan> {
    const { now } = this;
    const plan = new LastingPlan(program, await now.compile(program), now, {
      written: (variable, values) => this.pending.set(variable, values),
      destroyed: () => this.plans.delete(plan),
    });
    this.plans.add(plan);
    return plan;
  }

  write(variable: Variable, values: ArrayLike<number>): void {
    this.pending.set(variable, Float64Array.from(values));
    this.now.write(variable, values);
  }

  read(variable: Variable): Promise<ArrayLike<number>> {
    return this.now.read(variable);
  }

  release(variable: Variable): void {
    this.kept.delete(variable);
    this.pending.delete(variable);
    this.now.release(variable);
  }

  /** Forgets and frees everything; the device stays. */
  clear(): void {
    const { held } = this;
    this.plans.clear();
    this.kept.clear();
    this.pending.clear();
    const { device } = held.now.runtime;
    if (device.isLost) return;
    held.now.runtime.destroy();
    held.now.runtime = this.made(device);
  }
}

interface PlanEvents {
  written(variable: Variable, values: ArrayLike<number>): void;
  destroyed(): void;
}

class LastingPlan implements LabPlan {
  private readonly program: Program;
  private readonly targets: readonly Variable[];
  private readonly events: PlanEvents;
  private plan: Plan;
  private runtime: Runtime;

  constructor(program: Program, plan: Plan, runtime: Runtime, events: PlanEvents) {
    this.program = program;
    this.targets = (program.effects ?? []).map((effect) => targetOf(effect) as Variable);
    this.plan = plan;
    this.runtime = runtime;
    this.events = events;
  }

  async moveTo(runtime: Runtime): Promise<void> {
    this.plan = await runtime.compile(this.program);
    this.runtime = runtime;
  }

  async run(steps = 1): Promise<void> {
    const { plan, runtime, targets, events } = this;
    // The first step is submitted at once, and the readings follow it on the queue: one wait for all of them.
    if (steps > 1) await plan.run(steps - 1);
    const [, ...values] = await Promise.all([
      plan.run(),
      ...targets.map((each) => runtime.read(each)),
    ]);
    targets.forEach((each, i) => {
      events.written(each, values[i] as ArrayLike<number>);
    });
  }

  read(name: string): Promise<ArrayLike<number>> {
    return this.plan.read(name);
  }

  destroy(): void {
    this.plan.destroy();
    this.events.destroyed();
  }
}
