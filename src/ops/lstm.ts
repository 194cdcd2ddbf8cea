// Long short-term memory over time: as ops/gru, with a state of two parts.
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { lstmAdjoint, lstm as lstmKernel } from '../kernels/shaders.gen.ts';
import { sigmoid, tanh } from './activations.ts';
import { add, mul, sub } from './arithmetic.ts';
import { matmul } from './matmul.ts';
import { concat, slice, split } from './pieces.ts';
import { checkRecurrent, recurrentKernel, throughTime, toldBy } from './recurrent-kernel.ts';
import { sum } from './reduce.ts';
import { sigmoid as logistic } from './reference/special.ts';
import { unknownGradient } from './unknown-gradient.ts';
import { reshape, transpose } from './views.ts';

const GATES = 4;
const PARTS = 2;

/** s (1 - s): how a logistic number depends on what it is of. */
const slope = (s: Tensor) => mul(s, sub(1, s));

const lstmOp = defineOp({
  name: 'lstm',
  kind: 'kernel',
  vjp: (node, gradient) => {
    const [inputs, weight, bias] = node.inputs as [Tensor, Tensor, Tensor, Tensor];
    const { batch, steps, hidden } = throughTime(node, PARTS);
    const parts = (states: Tensor, from: number) =>
      split(slice(states, 1, from, from + steps), [hidden, hidden]) as [Tensor, Tensor];
    const [hBefore, cBefore] = parts(node, 0);
    const [, c] = parts(node, 1);
    const rows = reshape(hBefore, [-1, hidden]);
    const told = reshape(add(matmul(rows, transpose(weight)), bias), inputs.shape);
    const gates = split(
      add(inputs, told),
      Array.from({ length: GATES }, () => hidden),
    );
    const [i, f, o] = [gates[0], gates[1], gates[3]].map((gate) => sigmoid(gate as Tensor)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const g = tanh(gates[2] as Tensor);
    const shown = tanh(c);
    const byGates = [
      mul(g, slope(i)),
      mul(cBefore, slope(f)),
      mul(i, sub(1, mul(g, g))),
      mul(shown, slope(o)),
    ] as const;
    const peep = mul(o, sub(1, mul(shown, shown)));
    const factors = concat([...byGates, peep, f], -1);
    const adjoint = new Tensor(adjointOp, [gradient, factors, weight], node.shape, 'f32');
    const [dH, dC] = parts(adjoint, 1);
    const e = add(dC, mul(dH, peep));
    const ofInputs = concat(
      byGates.map((by, q) => mul(q === 3 ? dH : e, by)),
      -1,
    );
    const ofTold = reshape(ofInputs, [-1, GATES * hidden]);
    return [
      ofInputs,
      matmul(transpose(ofTold), rows),
      sum(ofTold, 0),
      reshape(slice(adjoint, 1, 0, 1), [batch, PARTS * hidden]),
    ];
  },
  reference: ([inputs, weight, bias, start], node) => {
    const { batch, steps, hidden } = throughTime(node, PARTS);
    const result = ndarray(node.shape);
    const x = (inputs as NdArray).data;
    const width = PARTS * hidden;
    for (let row = 0; row < batch; row++) {
      const first = row * (steps + 1) * width;
      result.data.set((start as NdArray).data.subarray(row * width, (row + 1) * width), first);
      for (let t = 0; t < steps; t++) {
        const at = first + t * width;
        const h = result.data.subarray(at, at + hidden);
        const told = toldBy(weight as NdArray, bias as NdArray, h);
        for (let j = 0; j < hidden; j++) {
          const gate = (q: number) =>
            (x[(row * steps + t) * GATES * hidden + q * hidden + j] as number) +
            told(q * hidden + j);
          const c =
            logistic(gate(1)) * (result.data[at + hidden + j] as number) +
            logistic(gate(0)) * Math.tanh(gate(2));
          result.data[at + width + hidden + j] = c;
          result.data[at + width + j] = logistic(gate(3)) * Math.tanh(c);
        }
      }
    }
    return result;
  },
  kernel: (node, adapter) => recurrentKernel(lstmKernel, throughTime(node, PARTS), GATES, adapter),
});

const adjointOp = defineOp({
  name: 'lstmAdjoint',
  kind: 'kernel',
  vjp: unknownGradient('a gradient of lstm'),
  reference: ([gradient, factor, weight], node) => {
    const { batch, steps, hidden } = throughTime(node, PARTS);
    const result = ndarray(node.shape);
    const d = result.data;
    const [g, f, u] = [gradient, factor, weight].map((array) => (array as NdArray).data) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const of = (data: Float64Array, at: number) => data[at] as number;
    for (let row = 0; row < batch; row++) {
      const at = (t: number) => (row * (steps + 1) + t) * PARTS * hidden;
      for (let t = steps; t >= 0; t--) {
        const by = (q: number, j: number) => of(f, ((row * steps + t) * 6 + q) * hidden + j);
        const dH = (j: number) => of(d, at(t + 1) + j);
        const e = (j: number) => of(d, at(t + 1) + hidden + j) + by(4, j) * dH(j);
        for (let i = 0; i < hidden; i++) {
          let total = of(g, at(t) + i);
          let cell = of(g, at(t) + hidden + i);
          if (t < steps) {
            cell += by(5, i) * e(i);
            for (let q = 0; q < GATES; q++) {
              for (let j = 0; j < hidden; j++) {
                const told = by(q, j) * (q === 3 ? dH(j) : e(j));
                total += of(u, (q * hidden + j) * hidden + i) * told;
              }
            }
          }
          d[at(t) + i] = total;
          d[at(t) + hidden + i] = cell;
        }
      }
    }
    return result;
  },
  kernel: (node, adapter) => recurrentKernel(lstmAdjoint, throughTime(node, PARTS), GATES, adapter),
});

/**
 * The states of long short-term memory over time, [B, 1 + T, 2H]: h and c of the start, then of what follows each
 * step. See shaders/lstm.wgsl.
 *
 * @param inputs W x + its bias of every step, [B, T, 4H]: of the input, forget, cell and output gates
 * @param weight U, [4H, H]; bias b, [4H]; H is a multiple of 4
 * @param start [B, 2H]
 * @throws LatentGpuError `shape-mismatch`
 * @example lstm(zeros([2, 5, 16]), zeros([16, 4]), zeros([16]), zeros([2, 8])).shape // [2, 6, 8]
 */
export function lstm(inputs: Tensor, weight: Tensor, bias: Tensor, start: Tensor): Tensor {
  checkRecurrent('lstm', [inputs, weight, bias, start], GATES, PARTS);
  const [batch, width] = start.shape as [number, number];
  const states = 1 + (inputs.shape[1] as number);
  return new Tensor(lstmOp, [inputs, weight, bias, start], [batch, states, width], 'f32');
}
