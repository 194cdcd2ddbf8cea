// Running folds along an axis: sums, and log-sums of exponentials, of all up to each.
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { normalizeAxis, sizeOf } from '../graph/shape.ts';
import { defineOp, type KernelAdapter, type Op, Tensor } from '../graph/tensor.ts';
import { mostInvocations } from '../kernels/matmul.ts';
import {
  libRunningLogsumexp,
  libRunningSum,
  libScanParts,
  libScanWhole,
  type Shader,
  scanSerial,
  scan as scanShader,
} from '../kernels/shaders.gen.ts';
import { add, neg, sub } from './arithmetic.ts';
import { greater, where } from './comparison.ts';
import { exp, log } from './elementary.ts';
import { checkTypes } from './operand-type.ts';
import { slice } from './pieces.ts';
import { logSumExp, sum } from './reduce.ts';
import { logaddexp } from './reference/special.ts';
import { reshape } from './views.ts';

export interface ScanOptions {
  /** From the end of the axis: all from each on. */
  readonly reverse?: boolean;
}

export interface ScanAttributes {
  readonly axis: number;
  readonly reverse: boolean;
  readonly exclusive: boolean;
}

const attributesOf = (node: Tensor) => node.attrs as unknown as ScanAttributes;

/** Elements that an invocation has of each block: see shaders/scan.wgsl. */
const RUN = 7;
/** Elements of a line that are scanned in one piece, from one end to the other. */
const SCAN_LENGTH = 4 * 256 * RUN;

interface Extents {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
  readonly parts: number;
}

function extentsOf({ shape, attrs }: Tensor): Extents {
  const axis = attrs.axis as number;
  const n = shape[axis] as number;
  const [outer, inner] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis + 1))];
  return { outer, n, inner, parts: Math.ceil(n / SCAN_LENGTH) };
}

function setup(node: Tensor, library: Shader, adapter: KernelAdapter) {
  const { outer, n, inner, parts } = extentsOf(node);
  const { reverse, exclusive } = attributesOf(node);
  const lines = outer * inner;
  const hooks = {
    fold: library,
    memory: parts > 1 ? libScanParts : libScanWhole,
  };
  const constants = {
    ...{ OUTER: outer, N: n, INNER: inner, LENGTH: SCAN_LENGTH, PARTS: parts },
    ...{ REVERSE: String(reverse), EXCLUSIVE: String(exclusive) },
  };
  const flops = 2 * node.size;
  if (adapter.isSoftware) {
    const WORKGROUP = 64;
    return {
      shader: scanSerial,
      hooks,
      constants: { ...constants, WORKGROUP },
      workgroups: Math.ceil((lines * parts) / WORKGROUP),
      flops,
      turns: Math.min(n, SCAN_LENGTH),
    };
  }
  const most = mostInvocations(adapter);
  const lanes = Math.min(most, 2 ** Math.ceil(Math.log2(Math.ceil(n / RUN))));
  // Short lines share a workgroup: those that lie side by side, and others as many as make a wave.
  const group = Math.min(Math.max(1, Math.floor(most / lanes)), inner > 1 ? 32 : 64);
  const WORKGROUP = lanes * group;
  return {
    shader: scanShader,
    hooks,
    constants: {
      ...constants,
      ...{ RUN, LANES: lanes, WORKGROUP, STAGE: inner > 1 ? 1 : WORKGROUP * RUN },
    },
    workgroups: Math.ceil(lines / group) * parts,
    flops,
    turns: Math.ceil(Math.min(n, SCAN_LENGTH) / (lanes * RUN)) * (2 + Math.log2(lanes)),
  };
}

/** What a kind of scan folds by. */
interface Fold {
  readonly name: string;
  readonly library: Shader;
  readonly nothing: number;
  readonly merge: (a: number, b: number) => number;
  readonly total: (x: Tensor, axis: number) => Tensor;
  readonly vjp: NonNullable<Op['vjp']>;
}

export function scanOf({ name, library, nothing, merge, total, vjp }: Fold): Op {
  const op: Op = defineOp({
    name,
    kind: 'kernel',
    vjp,
    reference: ([x], node) => {
      const { outer, n, inner } = extentsOf(node);
      const { reverse, exclusive } = attributesOf(node);
      const result = ndarray(node.shape);
      for (let line = 0; line < outer * inner; line++) {
        const start = Math.floor(line / inner) * n * inner + (line % inner);
        let state = nothing;
        for (let i = 0; i < n; i++) {
          const at = start + (reverse ? n - 1 - i : i) * inner;
          const next = merge(state, (x as NdArray).data[at] as number);
          result.data[at] = exclusive ? state : next;
          state = next;
        }
      }
      return result;
    },
    composed: (node) => inParts(node, total),
    kernel: (node, adapter) => setup(node, library, adapter),
  });
  return op;
}

/** Long lines are scanned part by part, side by side, each from what the totals of those before it add up to. */
function inParts(node: Tensor, total: Fold['total']): Tensor {
  const { outer, n, inner, parts } = extentsOf(node);
  if (parts === 1 || node.inputs.length > 1) return node;
  const [x] = node.inputs as [Tensor];
  // The totals that others need are of whole parts: all but the last that a scan comes to.
  const needed = (parts - 1) * SCAN_LENGTH;
  const { reverse } = attributesOf(node);
  const lines = reshape(x, [outer, n, inner]);
  const first = reverse ? n - needed : 0;
  const cut = slice(lines, 1, first, first + needed);
  const totals = total(reshape(cut, [outer, parts - 1, SCAN_LENGTH, inner]), 2);
  const attrs = { axis: 1, reverse, exclusive: false };
  const carry = inParts(new Tensor(node.op, [totals], totals.shape, 'f32', attrs), total);
  return new Tensor(node.op, [x, carry], node.shape, 'f32', node.attrs, node.name);
}

export function scan(op: Op, x: Tensor, axis: number, options: Partial<ScanAttributes>): Tensor {
  checkTypes(op.name, [x]);
  const { reverse = false, exclusive = false } = options;
  const at = normalizeAxis(op.name, axis, x.rank);
  return new Tensor(op, [x], x.shape, 'f32', { axis: at, reverse, exclusive });
}

const sumOp = scanOf({
  name: 'cumSum',
  library: libRunningSum,
  nothing: 0,
  merge: (a, b) => a + b,
  total: sum,
  vjp: (node, gradient) => {
    const { axis, reverse, exclusive } = attributesOf(node);
    return [cumSum(gradient, axis, { reverse: !reverse, exclusive })];
  },
});

/** The logarithm of what is left out: e to it is 0, with whatever it is added to. */
const NONE = -1e30;

const logSumExpOp = scanOf({
  name: 'logCumSumExp',
  library: libRunningLogsumexp,
  nothing: Number.NEGATIVE_INFINITY,
  merge: logaddexp,
  total: logSumExp,
  // dx_i = Σ_j g_j e^(x_i - y_j) over what x_i is part of, positive and negative g_j apart, so that nothing
  // overflows on the way.
  vjp: (node, gradient) => {
    const { axis, reverse } = attributesOf(node);
    const [x] = node.inputs as [Tensor];
    const pulled = (g: Tensor) => {
      const isThere = greater(g, 0);
      const logs = where(isThere, sub(log(where(isThere, g, 1)), node), NONE);
      return exp(add(x, logCumSumExp(logs, axis, { reverse: !reverse })));
    };
    return [sub(pulled(gradient), pulled(neg(gradient)))];
  },
});

/**
 * Sums of all up to each along an axis, of x [...]: [...]. A pass over memory, whatever the length: see
 * shaders/scan.wgsl; of a line beyond 7,168 elements a second one for the totals of its parts.
 *
 * @param options `reverse`: of all from each on; `exclusive`: without each itself
 * @example cumSum(toFloat(iota(4))) // [0, 1, 3, 6]
 */
export function cumSum(
  x: Tensor,
  axis = -1,
  options: ScanOptions & { readonly exclusive?: boolean } = {},
): Tensor {
  return scan(sumOp, x, axis, options);
}

/**
 * log Σ exp of all up to each along an axis, of x [...], within ±1e30: [...]. Nothing overflows, in gradients neither.
 *
 * @param options `reverse`: of all from each on
 * @example logCumSumExp(zeros([3])) // [0, 0.6931, 1.0986]
 */
export function logCumSumExp(x: Tensor, axis = -1, options: ScanOptions = {}): Tensor {
  return scan(logSumExpOp, x, axis, { reverse: options.reverse ?? false });
}
