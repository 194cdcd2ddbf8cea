// Gated recurrent units over time: a kernel for all steps forward, one for all steps back, and products for
// everything that does not wait for a step before it.
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { gruAdjoint, gru as gruKernel } from '../kernels/shaders.gen.ts';
import { sigmoid, tanh } from './activations.ts';
import { add, mul, sub } from './arithmetic.ts';
import { matmul } from './matmul.ts';
import { concat, slice, split } from './pieces.ts';
import { checkRecurrent, recurrentKernel, throughTime, toldBy } from './recurrent-kernel.ts';
import { sum } from './reduce.ts';
import { sigmoid as logistic } from './reference/special.ts';
import { unknownGradient } from './unknown-gradient.ts';
import { reshape, transpose } from './views.ts';

const gruOp = defineOp({
  name: 'gru',
  kind: 'kernel',
  vjp: (node, gradient) => {
    const [inputs, weight, bias] = node.inputs as [Tensor, Tensor, Tensor, Tensor];
    const { batch, steps, hidden } = throughTime(node, 1);
    const before = slice(node, 1, 0, steps);
    const rows = reshape(before, [-1, hidden]);
    // What the states told the gates, of all steps at once.
    const told = reshape(add(matmul(rows, transpose(weight)), bias), [batch, steps, 3 * hidden]);
    const [toldR, toldZ, toldN] = split(told, [hidden, hidden, hidden]) as [Tensor, Tensor, Tensor];
    const [inR, inZ, inN] = split(inputs, [hidden, hidden, hidden]) as [Tensor, Tensor, Tensor];
    const r = sigmoid(add(inR, toldR));
    const z = sigmoid(add(inZ, toldZ));
    const n = tanh(add(inN, mul(r, toldN)));
    // By the state that follows: h' = n + z (h - n).
    const byN = mul(sub(1, z), sub(1, mul(n, n)));
    const byR = mul(mul(byN, toldN), mul(r, sub(1, r)));
    const byZ = mul(sub(before, n), mul(z, sub(1, z)));
    const factors = concat([byR, byZ, mul(byN, r)], -1);
    const adjoint = new Tensor(adjointOp, [gradient, z, factors, weight], node.shape, 'f32');
    const d = slice(adjoint, 1, 1, steps + 1);
    const [dR, dZ] = [mul(d, byR), mul(d, byZ)];
    const ofInputs = concat([dR, dZ, mul(d, byN)], -1);
    const ofTold = reshape(concat([dR, dZ, mul(mul(d, byN), r)], -1), [-1, 3 * hidden]);
    return [
      ofInputs,
      matmul(transpose(ofTold), rows),
      sum(ofTold, 0),
      reshape(slice(adjoint, 1, 0, 1), [batch, hidden]),
    ];
  },
  reference: ([inputs, weight, bias, start], node) => {
    const { batch, steps, hidden } = throughTime(node, 1);
    const result = ndarray(node.shape);
    const x = (inputs as NdArray).data;
    for (let row = 0; row < batch; row++) {
      const first = row * (steps + 1) * hidden;
      const own = (start as NdArray).data.subarray(row * hidden, (row + 1) * hidden);
      result.data.set(own, first);
      for (let t = 0; t < steps; t++) {
        const h = result.data.subarray(first + t * hidden, first + (t + 1) * hidden);
        const told = toldBy(weight as NdArray, bias as NdArray, h);
        for (let j = 0; j < hidden; j++) {
          const given = (gate: number) =>
            x[(row * steps + t) * 3 * hidden + gate * hidden + j] as number;
          const r = logistic(given(0) + told(j));
          const z = logistic(given(1) + told(hidden + j));
          const n = Math.tanh(given(2) + r * told(2 * hidden + j));
          result.data[first + (t + 1) * hidden + j] = n + z * ((h[j] as number) - n);
        }
      }
    }
    return result;
  },
  kernel: (node, adapter) => recurrentKernel(gruKernel, throughTime(node, 1), 3, adapter),
});

const adjointOp = defineOp({
  name: 'gruAdjoint',
  kind: 'kernel',
  vjp: unknownGradient('a gradient of gru'),
  reference: ([gradient, keep, factor, weight], node) => {
    const { batch, steps, hidden } = throughTime(node, 1);
    const result = ndarray(node.shape);
    const d = result.data;
    const [g, k, f, u] = [gradient, keep, factor, weight].map((array) => (array as NdArray).data);
    for (let row = 0; row < batch; row++) {
      const at = (t: number) => (row * (steps + 1) + t) * hidden;
      for (let t = steps; t >= 0; t--) {
        for (let i = 0; i < hidden; i++) {
          let total = g?.[at(t) + i] as number;
          const step = row * steps + t;
          if (t < steps) {
            total += (k?.[step * hidden + i] as number) * (d[at(t + 1) + i] as number);
            for (let unit = 0; unit < 3 * hidden; unit++) {
              const by = f?.[step * 3 * hidden + unit] as number;
              const own = d[at(t + 1) + (unit % hidden)] as number;
              total += (u?.[unit * hidden + i] as number) * by * own;
            }
          }
          d[at(t) + i] = total;
        }
      }
    }
    return result;
  },
  kernel: (node, adapter) => recurrentKernel(gruAdjoint, throughTime(node, 1), 3, adapter),
});

/**
 * The states of gated recurrent units over time, [B, 1 + T, H]: the start, then what follows each step. Memory
 * for gradients is that of a few tensors [B, T, 3H]. See shaders/gru.wgsl.
 *
 * @param inputs W x + c of every step, [B, T, 3H]: of the reset, the update and the new state
 * @param weight U, [3H, H]; bias b, [3H]; H is a multiple of 4
 * @param start [B, H]
 * @throws LatentGpuError `shape-mismatch`
 * @example gru(zeros([2, 5, 12]), zeros([12, 4]), zeros([12]), zeros([2, 4])).shape // [2, 6, 4]
 */
export function gru(inputs: Tensor, weight: Tensor, bias: Tensor, start: Tensor): Tensor {
  checkRecurrent('gru', [inputs, weight, bias, start], 3, 1);
  const [batch, hidden] = start.shape as [number, number];
  const states = 1 + (inputs.shape[1] as number);
  return new Tensor(gruOp, [inputs, weight, bias, start], [batch, states, hidden], 'f32');
}
