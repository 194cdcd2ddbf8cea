// Lines in order: runs are sorted where they fit, and merged two by two until one is left.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { normalizeAxis } from '../graph/shape.ts';
import { defineOp, type KernelAdapter, Tensor } from '../graph/tensor.ts';
import { mostInvocations } from '../kernels/matmul.ts';
import {
  libSortedPairs,
  libSortedPlaces,
  mergeRuns,
  sortRuns,
  sortRunsSerial,
} from '../kernels/shaders.gen.ts';
import { takeLines } from './lines.ts';
import { checkTypes } from './operand-type.ts';
import { transpose } from './views.ts';

export interface SortOptions {
  /** Whether the largest come first. */
  readonly descending?: boolean;
}

/** Numbers of a run that one invocation sorts: see shaders/sort_runs_serial.wgsl. */
const SERIAL_RUN = 8;
/** Pairs of a merged run that an invocation makes. */
const CHUNK = { software: 32, gpu: 8 };

/** Runs of a line, of which the first `keep` of each are kept: `length` pairs in all. */
interface Runs {
  readonly count: number;
  readonly run: number;
  readonly keep: number;
  readonly length: number;
}

/** What is left of runs cut out of lines: those that are kept whole lie side by side, the last may be short. */
function runsOf(line: number, run: number, most: number): Runs {
  const count = Math.ceil(line / run);
  const keep = Math.min(run, most);
  return { count, run, keep, length: keep < run ? count * keep : line };
}

const pow2 = (least: number): number => 2 ** Math.ceil(Math.log2(least));

/** Whether a < b in the order of sorting: NaN is larger than every number. */
const isBelow = (a: number, b: number): boolean => (Number.isNaN(b) ? !Number.isNaN(a) : a < b);

const orderOp = defineOp({
  name: 'argSort',
  kind: 'composed',
  reference: ([x], node) => {
    const n = (x as NdArray).shape.at(-1) as number;
    const count = node.shape.at(-1) as number;
    const result = ndarray(node.shape);
    for (let line = 0; line < node.size / count; line++) {
      const own = (x as NdArray).data.subarray(line * n, (line + 1) * n);
      const order = [...own.keys()].sort((i, j) => {
        const [a, b] = [own[i] as number, own[j] as number];
        const sign = isBelow(a, b) ? -1 : isBelow(b, a) ? 1 : 0;
        return (node.attrs.descending ? -sign : sign) || i - j;
      });
      result.data.set(order.slice(0, count), line * count);
    }
    return result;
  },
  composed: (node, adapter) => {
    const { shape, attrs, name } = node;
    const [x] = node.inputs as [Tensor];
    const n = x.shape.at(-1) as number;
    const most = shape.at(-1) as number;
    const lines = node.size / most;
    const fitting = Math.min(2 * mostInvocations(adapter), pow2(Math.max(2, n)));
    const pass = (op: typeof runsOp, from: Tensor, line: number, runs: Runs): Tensor => {
      const isLast = runs.count === 1;
      const made = isLast ? shape : [lines, runs.length, 2];
      const own = { ...runs, lines, line, isLast, descending: attrs.descending };
      return new Tensor(op, [from], made, 'u32', own, isLast ? name : '');
    };
    let runs = runsOf(n, adapter.isSoftware ? SERIAL_RUN : fitting, most);
    let sorted = pass(runsOp, x, n, runs);
    while (runs.count > 1) {
      const { length, keep } = runs;
      runs = runsOf(length, 2 * keep, most);
      sorted = pass(mergeOp, sorted, length, runs);
    }
    return sorted;
  },
});

interface Pass extends Runs {
  readonly lines: number;
  /** Numbers of a line as it comes. */
  readonly line: number;
  /** Whether places alone are left. */
  readonly isLast: boolean;
  readonly descending: boolean;
}

const passOf = (node: Tensor) => node.attrs as unknown as Pass;

function shared({ lines, keep, length, isLast, descending }: Pass) {
  return {
    constants: { LINES: lines, KEEP: keep, OUT: length, DESCENDING: String(descending) },
    hooks: { result: isLast ? libSortedPlaces : libSortedPairs },
  };
}

const runsOp = defineOp({
  name: 'sortRuns',
  kind: 'kernel',
  kernel: (node, adapter) => {
    const pass = passOf(node);
    const { lines, line, count, run } = pass;
    const { constants, hooks } = shared(pass);
    if (run === SERIAL_RUN && adapter.isSoftware) {
      const own = { ...constants, N: line, WORKGROUP: 64 };
      const workgroups = Math.ceil((lines * count) / 64);
      return { shader: sortRunsSerial, constants: own, hooks, workgroups, flops: 0 };
    }
    const WORKGROUP = Math.max(run / 2, Math.min(64, mostInvocations(adapter)));
    return {
      shader: sortRuns,
      constants: { ...constants, N: line, RUN: run, WORKGROUP },
      hooks,
      workgroups: Math.ceil((lines * count * run) / (2 * WORKGROUP)),
      flops: 0,
    };
  },
});

const chunkOf = ({ keep }: Runs, { isSoftware }: Pick<KernelAdapter, 'isSoftware'>): number =>
  Math.min(keep, isSoftware ? CHUNK.software : CHUNK.gpu);

const mergeOp = defineOp({
  name: 'mergeRuns',
  kind: 'kernel',
  kernel: (node, adapter) => {
    const pass = passOf(node);
    const { lines, line, count, run, keep } = pass;
    const { constants, hooks } = shared(pass);
    const chunk = chunkOf(pass, adapter);
    const units = lines * count * Math.ceil(keep / chunk);
    return {
      shader: mergeRuns,
      constants: { ...constants, IN: line, RUN: run / 2, CHUNK: chunk, WORKGROUP: 64 },
      hooks,
      workgroups: Math.ceil(units / 64),
      flops: 0,
      turns: Math.log2(run) + chunk,
    };
  },
});

/** The places [..., count] of the first of each line of x [..., N], in order. */
function orderOf(x: Tensor, count: number, descending: boolean): Tensor {
  const shape = [...x.shape.slice(0, -1), count];
  return new Tensor(orderOp, [x], shape, 'u32', { descending });
}

/** What is done along the last axis, done along another. */
function along(what: string, x: Tensor, axis: number, of: (lines: Tensor) => Tensor): Tensor {
  checkTypes(what, [x]);
  const at = normalizeAxis(what, axis, x.rank);
  if (at === x.rank - 1) return of(x);
  const order = x.shape.map((_, i) => (i === at ? x.rank - 1 : i === x.rank - 1 ? at : i));
  return transpose(of(transpose(x, order)), order);
}

/**
 * Where along an axis the smallest value is, the next, … the largest: unsigned, of the shape of x. Of equal ones the
 * first comes first, and NaN is larger than every number: last, as in NumPy, or first where the order is `descending`.
 *
 * @throws LatentGpuError `shape-mismatch` for an axis that x has not
 * @example argSort(sub(1, toFloat(iota(3)))) // [2, 1, 0]
 */
export function argSort(x: Tensor, axis = -1, { descending = false }: SortOptions = {}): Tensor {
  return along('argSort', x, axis, (lines) =>
    orderOf(lines, lines.shape.at(-1) as number, descending),
  );
}

/**
 * The values along an axis from the smallest up, in the order of {@link argSort}; gradients go where they came from.
 * N log N steps a line: see shaders/merge_runs.wgsl.
 *
 * @throws LatentGpuError `shape-mismatch` for an axis that x has not
 * @example sort(sub(1, toFloat(iota(3)))) // [-1, 0, 1]
 */
export function sort(x: Tensor, axis = -1, { descending = false }: SortOptions = {}): Tensor {
  return along('sort', x, axis, (lines) =>
    takeLines(lines, orderOf(lines, lines.shape.at(-1) as number, descending)),
  );
}

/**
 * The k largest of each line of the last axis [..., N], from the largest down, and where they are (unsigned):
 * [..., k] each, of equal ones the first, NaN before all. Of sorted runs of a line only the first k are merged on.
 * Gradients flow to the values that were chosen.
 *
 * @throws LatentGpuError `shape-mismatch` for k that is none of 1 … N
 * @example topK(toFloat(iota(4)), 2).values // [3, 2]
 */
export function topK(x: Tensor, k: number): { readonly values: Tensor; readonly indices: Tensor } {
  normalizeAxis('topK', -1, x.rank);
  const count = x.shape.at(-1) as number;
  if (!(Number.isInteger(k) && k >= 1 && k <= count)) {
    throw new LatentGpuError(
      'shape-mismatch',
      `topK: ${k} of the ${count} along the last axis of ${x}; give a whole number from 1 to ${count}`,
    );
  }
  checkTypes('topK', [x]);
  const indices = orderOf(x, k, true);
  return { values: takeLines(x, indices), indices };
}
