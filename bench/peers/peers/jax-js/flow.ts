// RealNVP.
import { type Array as JaxArray, numpy as np } from '@jax-js/jax';
import type { FlowPart, Task } from '../../engine.ts';
import { FLOW, flowLayers, flowRows } from '../../inputs.ts';
import {
  arrayOf,
  dispose,
  half,
  mlp,
  type Parameters,
  parametersOf,
  standardNormal,
} from './arrays.ts';
import { joined, learning, startOf } from './learning.ts';
import { replayed } from './task.ts';

/** Log-scale and shift for the part that moves; consumes the part that stays. */
function affine(kept: JaxArray, net: Parameters): [JaxArray, JaxArray] {
  const { bound, features } = FLOW;
  const out = mlp(kept, net);
  const shift = half(out.ref, 0, features / 2);
  return [np.tanh(half(out, 1, features / 2).div(bound)).mul(bound), shift];
}

const PER_NET = 6;
const netOf = (parameters: Parameters, i: number) =>
  parameters.slice(i * PER_NET, (i + 1) * PER_NET);

function flowDensity(parameters: Parameters, rows: JaxArray): JaxArray {
  const width = FLOW.features / 2;
  let x = rows;
  let logDet: JaxArray | undefined;
  for (let i = FLOW.couplings - 1; i >= 0; i--) {
    const flip = i % 2 === 1;
    const kept = half(x.ref, flip ? 1 : 0, width);
    const moves = half(x, flip ? 0 : 1, width);
    const [s, shift] = affine(kept.ref, netOf(parameters, i));
    const moved = moves.sub(shift).mul(np.exp(s.ref.mul(-1)));
    x = np.concatenate(flip ? [moved, kept] : [kept, moved], -1);
    const slope = s.sum(-1);
    logDet = logDet ? logDet.add(slope) : slope;
  }
  dispose(parameters);
  return standardNormal(x).sub(logDet as JaxArray);
}

function flowSampling(parameters: Parameters, rows: JaxArray): JaxArray {
  const width = FLOW.features / 2;
  let z = rows;
  for (let i = 0; i < FLOW.couplings; i++) {
    const flip = i % 2 === 1;
    const kept = half(z.ref, flip ? 1 : 0, width);
    const moves = half(z, flip ? 0 : 1, width);
    const [s, shift] = affine(kept.ref, netOf(parameters, i));
    const moved = moves.mul(np.exp(s)).add(shift);
    z = np.concatenate(flip ? [moved, kept] : [kept, moved], -1);
  }
  dispose(parameters);
  return z;
}

export function flow(part: FlowPart): Task {
  const layers = flowLayers().flat();
  const rows = arrayOf(flowRows(), [FLOW.batch, FLOW.features]);
  if (part !== 'training') {
    const [name, f] =
      part === 'density' ? (['logProb', flowDensity] as const) : (['x', flowSampling] as const);
    return replayed(name, (x, ...p) => f(p, x as JaxArray), [rows, ...parametersOf(layers)]);
  }
  const loss = (p: Parameters, x: JaxArray) => flowDensity(p, x).mean().mul(-1);
  return learning(() => startOf(parametersOf(layers)), loss, rows, joined);
}
