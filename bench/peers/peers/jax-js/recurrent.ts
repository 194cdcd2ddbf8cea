// A net of gated recurrent units. There is no scan to differentiate: steps are unrolled into one jitted function.
import { type Array as JaxArray, nn, numpy as np } from '@jax-js/jax';
import type { Task } from '../../engine.ts';
import { RECURRENT, recurrentBatch, recurrentLayers } from '../../inputs.ts';
import { arrayOf, dispose, type Parameters, parametersOf, squared } from './arrays.ts';
import { joined, learning, startOf } from './learning.ts';

const { batch, steps, hidden } = RECURRENT;

/** Time first: what is said of all steps before they are known, one matrix of them. */
function loss(parameters: Parameters, x: JaxArray): JaxArray {
  const [w, b, u, c, v, d] = parameters as [
    ...[JaxArray, JaxArray, JaxArray],
    ...[JaxArray, JaxArray, JaxArray],
  ];
  const before = np.concatenate([np.zeros([batch, 1]), x.ref.slice([0, (steps - 1) * batch])], 0);
  const given = np.matmul(before, w.ref).add(b.ref);
  const gate = (of: JaxArray, i: number) => of.slice([], [i * hidden, (i + 1) * hidden]);
  let h = np.zeros([batch, hidden]);
  const states: JaxArray[] = [];
  for (let t = 0; t < steps; t++) {
    const a = given.ref.slice([t * batch, (t + 1) * batch]);
    const told = np.matmul(h.ref, u.ref).add(c.ref);
    const r = nn.sigmoid(gate(a.ref, 0).add(gate(told.ref, 0)));
    const z = nn.sigmoid(gate(a.ref, 1).add(gate(told.ref, 1)));
    const n = np.tanh(gate(a, 2).add(r.mul(gate(told, 2))));
    h = n.ref.add(z.mul(h.sub(n)));
    states.push(h.ref);
  }
  h.dispose();
  given.dispose();
  const made = np.matmul(np.concatenate(states, 0), v.ref).add(d.ref);
  dispose(parameters);
  return squared(made.sub(x)).mean();
}

export function recurrent(): Task {
  const x = arrayOf(recurrentBatch(), [steps * batch, 1]);
  return learning(() => startOf(parametersOf(recurrentLayers())), loss, x, joined);
}
