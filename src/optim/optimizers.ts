// Update rules. Each describes, for a flat vector of parameters and its gradient, what the next
// parameters and the next state are; the scheduler makes one kernel of it.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  abs,
  add,
  constant,
  div,
  expm1,
  maximum,
  mul,
  neg,
  sqrt,
  square,
  sub,
} from '../ops/index.ts';
import type { RateSchedule } from './schedules.ts';

export interface UpdateInput {
  readonly parameters: Tensor;
  readonly gradient: Tensor;
  /** Scalar. */
  readonly learningRate: Tensor;
  /** The number of this update, 1 for the first (float32 scalar). */
  readonly count: Tensor;
  /** The state's vectors, as they are before the update. */
  readonly state: Readonly<Record<string, Tensor>>;
}

export interface UpdateOutput {
  readonly parameters: Tensor;
  readonly state: Readonly<Record<string, Tensor>>;
}

export interface Optimizer {
  readonly name: string;
  readonly learningRate: number | RateSchedule;
  /** Names of the vectors it keeps, one number a parameter each; they start at zero. */
  readonly state: readonly string[];
  update(input: UpdateInput): UpdateOutput;
}

/**
 * In JavaScript nobody else tells that an option goes by another name, and the run that ignores it looks like any other.
 *
 * @throws LatentGpuError `bad-config` for an option that the optimizer does not have
 */
function checkNames(name: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const why = `${name} has no option '${unknown}'; it has ${known.join(', ')}`;
  throw new LatentGpuError('bad-config', why);
}

const ADAM_OPTIONS = ['lr', 'betas', 'eps', 'weightDecay'];

/** @throws LatentGpuError `bad-config` for a rate that would climb */
function checkRate(lr: number | RateSchedule): number | RateSchedule {
  if (typeof lr === 'function' || (typeof lr === 'number' && lr >= 0)) return lr;
  throw new LatentGpuError('bad-config', `lr is ${lr}; a learning rate is 0 or more`);
}

/** @throws LatentGpuError `bad-config` for decays outside [0, 1), or a weight's below 0 */
function checkDecays(weightDecay: number, ...decays: readonly number[]): void {
  const wrong = decays.find((decay) => !(decay >= 0 && decay < 1));
  if (wrong !== undefined) {
    const why = `a decay of moments is ${wrong}; betas and momentum lie from 0 to below 1`;
    throw new LatentGpuError('bad-config', why);
  }
  if (weightDecay >= 0) return;
  throw new LatentGpuError('bad-config', `weightDecay is ${weightDecay}; give 0 or more`);
}

/** 1 - βᵗ without cancellation; of β = 0, whose logarithm no kernel can hold, it is 1. */
const complement = (beta: number, count: Tensor): Tensor =>
  beta === 0 ? constant(1) : neg(expm1(mul(Math.log(beta), count)));

const average = (beta: number, old: Tensor, value: Tensor): Tensor =>
  add(mul(beta, old), mul(1 - beta, value));

export interface SgdOptions {
  lr?: number | RateSchedule;
  momentum?: number;
  nesterov?: boolean;
  /** Adds `weightDecay` · parameters to the gradient. */
  weightDecay?: number;
}

/**
 * Stochastic gradient descent with momentum, as PyTorch defines it.
 *
 * @example optim.sgd({ lr: 1e-2, momentum: 0.9 }).state // ["velocity"]
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  checkNames('sgd', options, ['lr', 'momentum', 'nesterov', 'weightDecay']);
  const { lr = 1e-2, momentum = 0, nesterov = false, weightDecay = 0 } = options;
  checkDecays(weightDecay, momentum);
  return {
    name: 'sgd',
    learningRate: checkRate(lr),
    state: momentum > 0 ? ['velocity'] : [],
    update: ({ parameters, gradient, learningRate, state }): UpdateOutput => {
      const g = weightDecay > 0 ? add(gradient, mul(weightDecay, parameters)) : gradient;
      if (momentum === 0) return { parameters: sub(parameters, mul(learningRate, g)), state: {} };
      const velocity = add(mul(momentum, state.velocity as Tensor), g);
      const direction = nesterov ? add(g, mul(momentum, velocity)) : velocity;
      return { parameters: sub(parameters, mul(learningRate, direction)), state: { velocity } };
    },
  };
}

export interface AdamOptions {
  lr?: number | RateSchedule;
  betas?: readonly [number, number];
  eps?: number;
  /** `adamW`: decoupled; `adam`: added to the gradient. */
  weightDecay?: number;
}

/** θ - lr · m̂ / (√v̂ + ε): both corrections are scalars, so no vector is divided twice. */
function adamStep(
  parameters: Tensor,
  gradient: Tensor,
  { learningRate, count, state }: UpdateInput,
  [beta1, beta2]: readonly [number, number],
  eps: number,
): UpdateOutput {
  const m = average(beta1, state.m as Tensor, gradient);
  const v = average(beta2, state.v as Tensor, square(gradient));
  const rate = div(learningRate, complement(beta1, count));
  const scale = div(1, sqrt(complement(beta2, count)));
  const step = div(mul(rate, m), add(mul(scale, sqrt(v)), eps));
  return { parameters: sub(parameters, step), state: { m, v } };
}

/**
 * Adam (Kingma and Ba 2015), with PyTorch's defaults.
 *
 * @example optim.adam({ lr: 1e-3 }).state // ["m", "v"]
 */
export function adam(options: AdamOptions = {}): Optimizer {
  checkNames('adam', options, ADAM_OPTIONS);
  const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = options;
  checkDecays(weightDecay, ...betas);
  return {
    name: 'adam',
    learningRate: checkRate(lr),
    state: ['m', 'v'],
    update: (input) => {
      const { parameters, gradient } = input;
      const g = weightDecay > 0 ? add(gradient, mul(weightDecay, parameters)) : gradient;
      return adamStep(parameters, g, input, betas, eps);
    },
  };
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019).
 *
 * @example optim.adamW({ lr: optim.cosine(1e-3, 10_000), weightDecay: 1e-2 }).state // ["m", "v"]
 */
export function adamW(options: AdamOptions = {}): Optimizer {
  checkNames('adamW', options, ADAM_OPTIONS);
  const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 1e-2 } = options;
  checkDecays(weightDecay, ...betas);
  return {
    name: 'adamW',
    learningRate: checkRate(lr),
    state: ['m', 'v'],
    update: (input) => {
      const { parameters, gradient, learningRate } = input;
      const shrunk = mul(parameters, sub(1, mul(learningRate, weightDecay)));
      return adamStep(shrunk, gradient, input, betas, eps);
    },
  };
}

/**
 * Adamax: Adam with the infinity norm (Kingma and Ba 2015, section 7.1).
 *
 * @example optim.adamax({ lr: 2e-3 }).state // ["m", "u"]
 */
export function adamax(options: AdamOptions = {}): Optimizer {
  checkNames('adamax', options, ADAM_OPTIONS);
  const { lr = 2e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = options;
  checkDecays(weightDecay, ...betas);
  const [beta1, beta2] = betas;
  return {
    name: 'adamax',
    learningRate: checkRate(lr),
    state: ['m', 'u'],
    update: ({ parameters, gradient, learningRate, count, state }) => {
      const g = weightDecay > 0 ? add(gradient, mul(weightDecay, parameters)) : gradient;
      const m = average(beta1, state.m as Tensor, g);
      const u = maximum(mul(beta2, state.u as Tensor), add(abs(g), eps));
      const rate = div(learningRate, complement(beta1, count));
      return { parameters: sub(parameters, div(mul(rate, m), u)), state: { m, u } };
    },
  };
}

export interface RmspropOptions {
  lr?: number | RateSchedule;
  /** Decay of the mean square. */
  alpha?: number;
  eps?: number;
  momentum?: number;
  /** Adds `weightDecay` · parameters to the gradient. */
  weightDecay?: number;
}

/**
 * RMSprop: steps by the root of the mean square of gradients (Tieleman and Hinton 2012), as PyTorch defines it, with
 * its defaults.
 *
 * @example optim.rmsprop({ lr: 5e-5 }).state // ["v"]
 */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  checkNames('rmsprop', options, ['lr', 'alpha', 'eps', 'momentum', 'weightDecay']);
  const { lr = 1e-2, alpha = 0.99, eps = 1e-8, momentum = 0, weightDecay = 0 } = options;
  checkDecays(weightDecay, alpha, momentum);
  return {
    name: 'rmsprop',
    learningRate: checkRate(lr),
    state: momentum > 0 ? ['v', 'velocity'] : ['v'],
    update: ({ parameters, gradient, learningRate, state }): UpdateOutput => {
      const g = weightDecay > 0 ? add(gradient, mul(weightDecay, parameters)) : gradient;
      const v = average(alpha, state.v as Tensor, square(g));
      const step = div(g, add(sqrt(v), eps));
      const moved = (by: Tensor) => sub(parameters, mul(learningRate, by));
      if (momentum === 0) return { parameters: moved(step), state: { v } };
      const velocity = add(mul(momentum, state.velocity as Tensor), step);
      return { parameters: moved(velocity), state: { v, velocity } };
    },
  };
}
