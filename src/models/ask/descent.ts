// What is fitted to each row of a batch by itself, by Adam with a rate that falls along half a cosine.
import type { Tensor } from '../../graph/tensor.ts';
import { type Variable, variable } from '../../graph/variable.ts';
import {
  add,
  addUint,
  assign,
  cos,
  div,
  gradient,
  mul,
  step,
  sum,
  zeros,
} from '../../ops/index.ts';
import { adam } from '../../optim/index.ts';
import type { Runtime } from '../../scheduler/index.ts';

/** Numbers to fit, and where they begin. */
export interface Fitted {
  readonly variable: Variable;
  readonly start: Tensor;
}

export interface DescentOptions {
  readonly steps: number;
  /** Of Adam to begin with. */
  readonly rate: number;
}

/** Effects that fit numbers to rows, and what they keep meanwhile. */
export interface Descent {
  /** Numbers and optimizer as at the beginning. */
  readonly begin: readonly Tensor[];
  /** One of the steps; the noise of the next is another. */
  readonly learn: readonly Tensor[];
  release(runtime: Runtime): void;
}

/** @param loss [B], each row's own */
export function descent(
  loss: Tensor,
  fitted: readonly Fitted[],
  { steps, rate }: DescentOptions,
): Descent {
  const done = variable('done', []);
  const slopes = gradient(
    sum(loss),
    fitted.map((each) => each.variable),
  );
  const phase = mul(Math.PI, div(done, steps));
  const learningRate = mul(rate / 2, add(1, cos(phase)));
  const updates = fitted.map(({ variable: parameters, start }, i) => {
    const { shape } = parameters;
    const state = { m: variable('m', shape), v: variable('v', shape) };
    const slope = slopes[i] as Tensor;
    const given = { parameters, gradient: slope, learningRate, count: add(done, 1), state };
    return { parameters, start, state, next: adam().update(given) };
  });
  return {
    begin: [
      ...updates.flatMap(({ parameters, start, state }) => [
        assign(parameters, start),
        assign(state.m, zeros(parameters.shape)),
        assign(state.v, zeros(parameters.shape)),
      ]),
      assign(done, zeros([])),
    ],
    learn: [
      ...updates.flatMap(({ parameters, state, next }) => [
        assign(parameters, next.parameters),
        assign(state.m, next.state.m as Tensor),
        assign(state.v, next.state.v as Tensor),
      ]),
      assign(done, add(done, 1)),
      assign(step, addUint(step, 1)),
    ],
    release(runtime) {
      const held = updates.flatMap(({ parameters, state }) => [parameters, state.m, state.v]);
      for (const each of [...held, done]) runtime.release(each);
    },
  };
}
