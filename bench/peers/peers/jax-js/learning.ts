// Steps of Adam, one jitted function each.
import {
  blockUntilReady,
  type Array as JaxArray,
  jit,
  numpy as np,
  valueAndGrad,
} from '@jax-js/jax';
import type { Task } from '../../engine.ts';
import { ADAM, CHECKED_STEPS } from '../../inputs.ts';
import { dispose, type Parameters, squared } from './arrays.ts';

export type State = { parameters: Parameters; m: Parameters; v: Parameters; count: JaxArray };

/** One step of Adam (Kingma and Ba 2015); consumes the state. */
export function adam({ parameters, m, v, count }: State, gradients: Parameters): State {
  const { rate, beta1, beta2, epsilon } = ADAM;
  const next = count.add(1);
  const c1 = np
    .exp(next.ref.mul(Math.log(beta1)))
    .mul(-1)
    .add(1);
  const c2 = np
    .exp(next.ref.mul(Math.log(beta2)))
    .mul(-1)
    .add(1);
  const newM = m.map((x, i) => x.mul(beta1).add((gradients[i] as JaxArray).ref.mul(1 - beta1)));
  const newV = v.map((x, i) => x.mul(beta2).add(squared(gradients[i] as JaxArray).mul(1 - beta2)));
  const updated = parameters.map((p, i) => {
    const mean = (newM[i] as JaxArray).ref.div(c1.ref);
    const deviation = np.sqrt((newV[i] as JaxArray).ref.div(c2.ref)).add(epsilon);
    return p.sub(mean.mul(rate).div(deviation));
  });
  dispose([c1, c2]);
  return { parameters: updated, m: newM, v: newV, count: next };
}

/** Owns the parameters. */
export const startOf = (parameters: Parameters): State => ({
  parameters,
  m: parameters.map((p) => np.zerosLike(p.ref)),
  v: parameters.map((p) => np.zerosLike(p.ref)),
  count: np.array(0),
});

export const disposeState = ({ parameters, m, v, count }: State) =>
  dispose([...parameters, ...m, ...v, count]);

export async function joined(arrays: readonly JaxArray[]): Promise<Float32Array> {
  const parts: number[] = [];
  for (const array of arrays) for (const v of await array.ref.data()) parts.push(v);
  return Float32Array.from(parts);
}

/** Steps are queued; only the last one's loss is waited for. */
export async function steps(times: number, next: () => JaxArray): Promise<Float32Array> {
  let loss = next();
  for (let i = 1; i < times; i++) {
    // Submits what is pending, without waiting for it.
    void blockUntilReady(loss);
    loss.dispose();
    loss = next();
  }
  return (await loss.data()) as Float32Array;
}

/** Steps on a batch that stays, of a loss without noise; the loss consumes both. */
export function learning(
  start: () => State,
  loss: (parameters: Parameters, x: JaxArray) => JaxArray,
  x: JaxArray,
  read: (parameters: Parameters) => Promise<Float32Array>,
): Task {
  const gradients = valueAndGrad(loss);
  const step = jit((state: State, data: JaxArray): [JaxArray, State] => {
    const [value, g] = gradients(
      state.parameters.map((p) => p.ref),
      data,
    );
    return [value, adam(state, g as Parameters)];
  });
  let state = start();
  return {
    run: (times) =>
      steps(times, () => {
        const [value, after] = step(state, x.ref);
        state = after;
        return value;
      }),
    async check() {
      let checked = start();
      const losses: number[] = [];
      for (let i = 0; i < CHECKED_STEPS; i++) {
        const [value, after] = step(checked, x.ref);
        checked = after;
        losses.push((await value.data())[0] as number);
      }
      const parameters = await read(checked.parameters);
      disposeState(checked);
      return { losses: Float32Array.from(losses), parameters };
    },
    dispose: () => {
      disposeState(state);
      x.dispose();
      step.dispose();
    },
  };
}
