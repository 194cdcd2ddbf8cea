// Gated recurrent units over time: a kernel for all steps forward, one for all steps back, and products for
// everything that does not wait for a step before it.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { type AdapterClass, mostInvocations } from '../kernels/matmul.ts';
import { sigmoid, tanh } from './activations.ts';
import { add, mul, sub } from './arithmetic.ts';
import { matmul } from './matmul.ts';
import { concat, slice, split } from './pieces.ts';
import { sum } from './reduce.ts';
import { reshape, transpose } from './views.ts';

/** Rows that go through time, [B, 1 + T, H]. */
function extents(node: Tensor) {
  const [batch, states, hidden] = node.shape as [number, number, number];
  return { batch, steps: states - 1, hidden };
}

/** Rows of an invocation: those share what is loaded of the weights. */
const ROWS = 4;
/** Lanes of a software adapter, which works on rows beside each other. */
const LANES = 4;

function setup(node: Tensor, shader: 'gru' | 'gru_adjoint', adapter: AdapterClass) {
  const { batch: BATCH, steps: STEPS, hidden: HIDDEN } = extents(node);
  // On a GPU a row has a workgroup, and each unit a lane.
  const lanes = adapter.isSoftware ? 1 : Math.min(HIDDEN / 4, mostInvocations(adapter));
  const ROW_LANES = adapter.isSoftware ? Math.min(LANES, BATCH) : 1;
  const perLane = Math.ceil(BATCH / ROW_LANES);
  const most = adapter.isSoftware ? ROWS : 1;
  return {
    shader,
    constants: {
      BATCH,
      STEPS,
      HIDDEN,
      ROWS: Math.min(most, perLane),
      UNIT_LANES: 2 ** Math.floor(Math.log2(lanes)),
      ROW_LANES,
    },
    workgroups: Math.ceil(BATCH / (ROW_LANES * Math.min(most, perLane))),
    flops: 6 * BATCH * STEPS * HIDDEN ** 2,
  };
}

const σ = (x: number) => 1 / (1 + Math.exp(-x));

const gruOp = defineOp({
  name: 'gru',
  kind: 'kernel',
  vjp: (node, gradient) => {
    const [inputs, weight, bias] = node.inputs as [Tensor, Tensor, Tensor, Tensor];
    const { batch, steps, hidden } = extents(node);
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
    const { batch, steps, hidden } = extents(node);
    const result = ndarray(node.shape);
    const [x, u, c] = [inputs, weight, bias].map((array) => (array as NdArray).data);
    for (let row = 0; row < batch; row++) {
      const first = row * (steps + 1) * hidden;
      const own = (start as NdArray).data.subarray(row * hidden, (row + 1) * hidden);
      result.data.set(own, first);
      for (let t = 0; t < steps; t++) {
        const h = result.data.subarray(first + t * hidden, first + (t + 1) * hidden);
        const told = (unit: number) => {
          let total = c?.[unit] as number;
          for (let k = 0; k < hidden; k++) {
            total += (u?.[unit * hidden + k] as number) * (h[k] as number);
          }
          return total;
        };
        for (let j = 0; j < hidden; j++) {
          const given = (gate: number) =>
            x?.[(row * steps + t) * 3 * hidden + gate * hidden + j] as number;
          const r = σ(given(0) + told(j));
          const z = σ(given(1) + told(hidden + j));
          const n = Math.tanh(given(2) + r * told(2 * hidden + j));
          result.data[first + (t + 1) * hidden + j] = n + z * ((h[j] as number) - n);
        }
      }
    }
    return result;
  },
  kernel: (node, adapter) => setup(node, 'gru', adapter),
});

const adjointOp = defineOp({
  name: 'gruAdjoint',
  kind: 'kernel',
  vjp: () => {
    throw new LatentGpuError('bad-input', 'the gradient of a gradient of gru is not known');
  },
  reference: ([gradient, keep, factor, weight], node) => {
    const { batch, steps, hidden } = extents(node);
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
  kernel: (node, adapter) => setup(node, 'gru_adjoint', adapter),
});

/**
 * The states of gated recurrent units over time, [B, 1 + T, H]: the start, then what follows each step. Memory
 * for gradients is that of a few tensors [B, T, 3H]. See shaders/gru.wgsl.
 *
 * @param inputs W x + c of every step, [B, T, 3H]: of the reset, the update and the new state
 * @param weight U, [3H, H]; bias b, [3H]; H is a multiple of 4
 * @param start [B, H]
 * @throws LatentGpuError `shape-mismatch`
 */
export function gru(inputs: Tensor, weight: Tensor, bias: Tensor, start: Tensor): Tensor {
  const [batch, hidden] = start.shape as [number, number];
  const [rows, steps, gates] = inputs.shape as [number, number, number];
  const fits =
    start.rank === 2 &&
    inputs.rank === 3 &&
    rows === batch &&
    gates === 3 * hidden &&
    weight.shape.join() === [3 * hidden, hidden].join() &&
    bias.shape.join() === String(3 * hidden);
  if (!fits || hidden % 4 !== 0) {
    throw new LatentGpuError(
      'shape-mismatch',
      `gru needs inputs [B, T, 3H], weights [3H, H], a bias [3H] and a start [B, H], H a multiple of 4, not ${inputs}, ${weight}, ${bias} and ${start}`,
    );
  }
  return new Tensor(gruOp, [inputs, weight, bias, start], [batch, steps + 1, hidden], 'f32');
}
