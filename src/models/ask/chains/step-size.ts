// How large leapfrog steps are, for each row: dual averaging towards an acceptance (Hoffman and Gelman 2014,
// 3.2.1), and the deviations of codes in whose units chains move, learned on the way.
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import {
  add,
  assign,
  div,
  exp,
  log,
  mean,
  mul,
  sqrt,
  square,
  sub,
  sum,
  where,
} from '../../../ops/index.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import type { Leap } from './trajectory.ts';

/** What of trajectories is to be accepted. */
const TARGET = 0.8;
const [GAMMA, DELAY, KAPPA] = [0.05, 10, 0.75];
/** log of the step size that dual averaging is drawn to: of a normal, steps are stable below 2 deviations. */
const DRAWN_TO = 0;
/** log ε at first. */
const FIRST = -1;
/** Draws that a variance counts as known by beforehand, and what it is (Stan's regularisation). */
const [BEFORE, USUAL] = [5, 1e-3];

export class StepSizes {
  /** log ε of the trajectories to come, [B, 1]. */
  readonly logStep: Variable;
  /** [B, 1, M]. */
  readonly scale: Variable;
  /** Scalars of the host: 1 while step sizes are learned, and while codes' moments are. */
  readonly isLearning = variable('is learning', []);
  readonly isGathering = variable('is gathering', []);
  private readonly average: Variable;
  private readonly miss: Variable;
  private readonly count = variable('adaptations', []);
  private readonly moments: Record<'sum' | 'squares', Variable>;
  private readonly gathered = variable('gathered', []);

  constructor(rows: number, size: number) {
    this.logStep = variable('log step', [rows, 1]);
    this.average = variable('average log step', [rows, 1]);
    this.miss = variable('missed acceptance', [rows, 1]);
    this.scale = variable('scale', [rows, 1, size]);
    this.moments = {
      sum: variable('sum of codes', [rows, 1, size]),
      squares: variable('squares of codes', [rows, 1, size]),
    };
  }

  /** Learns from the first step size on, in units of 1. */
  begin(runtime: Runtime): void {
    runtime.write(this.scale, new Float32Array(this.scale.size).fill(1));
    runtime.write(this.isGathering, [0]);
    this.again(runtime);
  }

  private again(runtime: Runtime): void {
    const { logStep, average, miss, count, isLearning } = this;
    runtime.write(logStep, new Float32Array(logStep.size).fill(FIRST));
    for (const each of [average, miss, count]) runtime.write(each, new Float32Array(each.size));
    runtime.write(isLearning, [1]);
  }

  /** Gathers moments of codes from here on. */
  gather(runtime: Runtime): void {
    const { moments, gathered, isGathering } = this;
    const empty = [moments.sum, moments.squares, gathered];
    for (const each of empty) runtime.write(each, new Float32Array(each.size));
    runtime.write(isGathering, [1]);
  }

  /** Takes the deviations of what was gathered for units, and learns step sizes anew. */
  async rescale(runtime: Runtime): Promise<void> {
    const { moments, gathered, scale, isGathering } = this;
    const [sums, squares, counted] = (await Promise.all(
      [moments.sum, moments.squares, gathered].map((each) => runtime.read(each)),
    )) as [Float32Array, Float32Array, Float32Array];
    const n = counted[0] as number;
    runtime.write(isGathering, [0]);
    if (n === 0) return;
    const found = sums.map((sum, i) => {
      // Rounding may leave a variance of less than nothing.
      const variance = Math.max(0, (squares[i] as number) / n - (sum / n) ** 2);
      return Math.sqrt((n * variance + BEFORE * USUAL) / (n + BEFORE));
    });
    runtime.write(scale, found);
    this.again(runtime);
  }

  /** Ends learning: the average step size is the one that stays. */
  async settle(runtime: Runtime): Promise<void> {
    const { logStep, average, isLearning } = this;
    runtime.write(logStep, await runtime.read(average));
    runtime.write(isLearning, [0]);
  }

  /** Effects of a step; they count where it is the last of a trajectory. */
  learn({ isLast, acceptance, codes }: Leap): Tensor[] {
    const { logStep, average, miss, count, moments, gathered, isLearning, isGathering } = this;
    const learns = mul(isLast, isLearning);
    const next = add(count, 1);
    const part = div(1, add(next, DELAY));
    const missed = sub(TARGET, mean(acceptance, -1, { keepDims: true }));
    const newMiss = add(mul(sub(1, part), miss), mul(part, missed));
    const newStep = sub(DRAWN_TO, mul(div(sqrt(next), GAMMA), newMiss));
    const weight = exp(mul(-KAPPA, log(next)));
    const newAverage = add(mul(weight, newStep), mul(sub(1, weight), average));
    const gathers = mul(isLast, isGathering);
    const sums = (of: Tensor) => sum(of, 1, { keepDims: true });
    return [
      assign(logStep, where(learns, newStep, logStep)),
      assign(average, where(learns, newAverage, average)),
      assign(miss, where(learns, newMiss, miss)),
      assign(count, add(count, learns)),
      assign(moments.sum, add(moments.sum, mul(gathers, sums(codes)))),
      assign(moments.squares, add(moments.squares, mul(gathers, sums(square(codes))))),
      assign(gathered, add(gathered, mul(gathers, codes.shape[1] as number))),
    ];
  }

  release(runtime: Runtime): void {
    const { logStep, average, miss, scale, count, moments, gathered } = this;
    const { isLearning, isGathering } = this;
    const held = [logStep, average, miss, scale, count, gathered, isLearning, isGathering];
    for (const each of [...held, moments.sum, moments.squares]) runtime.release(each);
  }
}
