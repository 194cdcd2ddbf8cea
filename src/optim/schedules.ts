// Learning-rate schedules: functions of the step counter, computed on the GPU.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  constant,
  cos,
  div,
  floor,
  greaterEqual,
  minimum,
  mul,
  pow,
  where,
} from '../ops/index.ts';

/** The learning rate at a step (float32 scalar, 0 for the first). */
export type RateSchedule = (step: Tensor) => Tensor;

/** @throws LatentGpuError `bad-config` */
function checkSteps(what: string, steps: number, least = 1): void {
  if (steps >= least) return;
  throw new LatentGpuError('bad-config', `${what} of ${steps} steps; give ${least} or more`);
}

/**
 * The same rate at every step.
 *
 * @example optim.constantRate(0.1)(ops.constant(7)) // 0.1
 */
export const constantRate =
  (rate: number): RateSchedule =>
  () =>
    constant(rate);

/**
 * rate · gamma^⌊step / every⌋.
 *
 * @throws LatentGpuError `bad-config` for `every` below 1
 * @example optim.stepDecay(0.1, 30)(ops.constant(30)) // 0.01
 */
export function stepDecay(rate: number, every: number, gamma = 0.1): RateSchedule {
  checkSteps('stages of a schedule', every);
  // The half keeps the rounding of the quotient away from whole numbers, up to step 2²².
  return (step) => mul(rate, pow(constant(gamma), floor(div(add(step, 0.5), every))));
}

/**
 * From `rate` to `final` along half a cosine over `steps` steps (Loshchilov and Hutter 2017).
 *
 * @throws LatentGpuError `bad-config` for fewer than 1
 * @example optim.cosine(0.1, 100)(ops.constant(50)) // 0.05
 */
export function cosine(rate: number, steps: number, final = 0): RateSchedule {
  checkSteps('a cosine schedule', steps);
  return (step) => {
    const phase = mul(Math.PI, minimum(div(step, steps), 1));
    return add((rate + final) / 2, mul((rate - final) / 2, cos(phase)));
  };
}

/**
 * Linear from 0 to the schedule's own rate over the first `steps` steps.
 *
 * @throws LatentGpuError `bad-config` for fewer than 0
 * @example optim.warmup(100, optim.constantRate(0.1))(ops.constant(49)) // 0.05
 */
export function warmup(steps: number, then: RateSchedule): RateSchedule {
  checkSteps('a warm-up', steps, 0);
  if (steps === 0) return then;
  return (step) => mul(minimum(div(add(step, 1), steps), 1), then(step));
}

/**
 * Rates that change at given steps: `[[0, 1e-3], [1000, 5e-4]]`.
 *
 * @throws LatentGpuError `bad-config` for pieces that do not begin at step 0, or whose steps do not rise
 * @example optim.piecewise([[0, 0.1], [1000, 0.05]])(ops.constant(2000)) // 0.05
 */
export function piecewise(
  pieces: readonly (readonly [from: number, rate: number])[],
): RateSchedule {
  const [first, ...later] = pieces;
  if (
    first?.[0] !== 0 ||
    later.some(([from], i) => from <= (pieces[i] as readonly [number, number])[0])
  ) {
    throw new LatentGpuError(
      'bad-config',
      'a piecewise schedule starts at step 0 and its steps increase',
    );
  }
  return (step) =>
    later.reduce<Tensor>(
      (rate, [from, next]) => where(greaterEqual(step, from), next, rate),
      constant(first[1]),
    );
}

/**
 * The stages of Burda, Grosse and Salakhutdinov 2016: for i = 1 … 8, 3^(i-1) epochs at
 * 1e-4 · round(10^(1 - (i-1)/7), 1); 3,280 epochs in all. `scale` multiplies the rates.
 *
 * @example optim.iwaeStages(100, 10)(ops.constant(0)) // 0.01
 */
export function iwaeStages(stepsPerEpoch: number, scale = 1): RateSchedule {
  const pieces: [number, number][] = [];
  let epochs = 0;
  for (let i = 1; i <= 8; i++) {
    const factor = Math.round(10 * 10 ** (1 - (i - 1) / 7)) / 10;
    pieces.push([epochs * stepsPerEpoch, 1e-4 * factor * scale]);
    epochs += 3 ** (i - 1);
  }
  return piecewise(pieces);
}
