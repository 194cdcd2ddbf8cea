// How kernels that keep to their rows through time are laid out, and what they are given.
import { LatentGpuError } from '../errors.ts';
import type { NdArray } from '../graph/ndarray.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type AdapterClass, mostInvocations } from '../kernels/matmul.ts';
import type { KernelName, Shader } from '../kernels/specialize.ts';
import { checkTypes } from './operand-type.ts';

/** Rows of an invocation: those share what is loaded of the weights. */
const ROWS = 4;
/** Lanes of a software adapter, which works on rows beside each other. */
const LANES = 4;

/** Of states [B, 1 + T, parts · H]. */
export function throughTime(node: Tensor, parts: number) {
  const [batch, states, width] = node.shape as [number, number, number];
  return { batch, steps: states - 1, hidden: width / parts };
}

export function recurrentKernel<S extends KernelName>(
  shader: Shader<S>,
  { batch, steps, hidden }: ReturnType<typeof throughTime>,
  gates: number,
  adapter: AdapterClass,
) {
  // On a GPU a row has a workgroup, and each four units a lane.
  const lanes = adapter.isSoftware ? 1 : Math.min(hidden / 4, mostInvocations(adapter));
  const ROW_LANES = adapter.isSoftware ? Math.min(LANES, batch) : 1;
  const rows = Math.min(adapter.isSoftware ? ROWS : 1, Math.ceil(batch / ROW_LANES));
  return {
    shader,
    constants: {
      BATCH: batch,
      STEPS: steps,
      HIDDEN: hidden,
      ROWS: rows,
      UNIT_LANES: 2 ** Math.floor(Math.log2(lanes)),
      ROW_LANES,
    },
    workgroups: Math.ceil(batch / (ROW_LANES * rows)),
    turns: (steps * (hidden / 4) * (1 + hidden / 4)) / lanes,
    flops: 2 * gates * batch * steps * hidden ** 2,
  };
}

/**
 * @param gates whose sums an input tells, [B, T, gates · H]
 * @param parts of a state, [B, parts · H]
 * @throws LatentGpuError `shape-mismatch`
 */
export function checkRecurrent(
  op: string,
  [inputs, weight, bias, start]: readonly [Tensor, Tensor, Tensor, Tensor],
  gates: number,
  parts: number,
): void {
  const [batch, width] = start.shape as [number, number];
  const hidden = width / parts;
  const all = gates * hidden;
  checkTypes(op, [inputs, weight, bias, start]);
  const fits =
    start.rank === 2 &&
    inputs.rank === 3 &&
    inputs.shape[0] === batch &&
    inputs.shape[2] === all &&
    weight.shape.join() === [all, hidden].join() &&
    bias.shape.join() === String(all);
  if (fits && hidden % 4 === 0) return;
  const state = parts === 1 ? 'H' : `${parts}H`;
  throw new LatentGpuError(
    'shape-mismatch',
    `${op} needs inputs [B, T, ${gates}H], weights [${gates}H, H], a bias [${gates}H] and a start [B, ${state}], H a multiple of 4, not ${inputs}, ${weight}, ${bias} and ${start}`,
  );
}

/** What a state h tells a gate's unit: U h + b, of float64 references. */
export function toldBy(weight: NdArray, bias: NdArray, h: Float64Array) {
  return (unit: number): number => {
    let total = bias.data[unit] as number;
    for (let k = 0; k < h.length; k++) {
      total += (weight.data[unit * h.length + k] as number) * (h[k] as number);
    }
    return total;
  };
}
