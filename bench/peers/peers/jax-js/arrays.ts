// Arrays of jax-js, which are owned: what is used again is `.ref`.
import { type Array as JaxArray, nn, numpy as np } from '@jax-js/jax';
import type { Layer } from '../../inputs.ts';

/** Weight and bias of each layer, one after another. */
export type Parameters = JaxArray[];

export const arrayOf = (values: Float32Array<ArrayBuffer>, shape: number[]) =>
  np.array(values, { shape });
export const parametersOf = (layers: readonly Layer[]): Parameters =>
  layers.flatMap(({ weight, bias, from, to }) => [
    arrayOf(weight, [from, to]),
    arrayOf(bias, [to]),
  ]);

/** Consumes x, not the parameters. */
export function mlp(x: JaxArray, parameters: Parameters): JaxArray {
  let h = x;
  for (let i = 0; i < parameters.length; i += 2) {
    const [weight, bias] = [parameters[i] as JaxArray, parameters[i + 1] as JaxArray];
    h = np.matmul(h, weight.ref).add(bias.ref);
    if (i + 2 < parameters.length) h = nn.relu(h);
  }
  return h;
}

export const dispose = (arrays: readonly JaxArray[]) => {
  for (const array of arrays) array.dispose();
};

export const half = (x: JaxArray, i: 0 | 1, width: number) =>
  x.slice([], i === 0 ? [0, width] : [width, 2 * width]);

export const squared = (x: JaxArray) => np.square(x);
export const LOG_2PI = Math.log(2 * Math.PI);

/** Σ log N(x; 0, 1) over the last axis. */
export const standardNormal = (x: JaxArray) => squared(x).add(LOG_2PI).mul(-0.5).sum(-1);
