/**
 * The float64 reference of a graph together with how far a float32 computation of it may be off:
 * the bound of each function of shaders/lib and the rounding of each sum, carried through the graph
 * node by node. Where float32 makes no error at all (sums and products of small integers) the bound
 * is 0, so that tests of indices can be exact.
 */
import { lowerInverse } from '../../src/flows/matrices.ts';
import { type NdArray, ndarray } from '../../src/graph/ndarray.ts';
import type { Snippet, Tensor } from '../../src/graph/tensor.ts';
import { topological } from '../../src/graph/traverse.ts';
import { variable } from '../../src/graph/variable.ts';
import { drawnIn } from '../../src/ops/evaluate.ts';
import type { NoiseKind } from '../../src/ops/random.ts';
import { type Bound, bounds } from '../../src/ops/reference/bounds.ts';

/** Rounding to float32: half a unit in the last place. */
const U = 2 ** -24;

export interface Bounded {
  readonly value: NdArray;
  readonly error: NdArray;
}

const exact: Bound = { absolute: 0, relative: 0 };

/** Functions that make no error and therefore have no row in the table of bounds. */
const errorless =
  /^(less|less_equal|greater|greater_equal|equal4|is_finite4|copy4|positive4|to_u32|to_index4|\w+_u|permute4)$/;

/** Rounded once: no error where the result is a float32 number. */
const rounded = new Set(['add', 'sub', 'mul', 'square', 'to_f32', 'leaky_relu']);

function boundOf(node: Tensor): Bound {
  const fn = node.op.snippet?.fn as string;
  if (errorless.test(fn)) return exact;
  if (fn === 'to_f32') return { absolute: 0, relative: U };
  const bound: Bound | undefined = bounds[fn as keyof typeof bounds];
  if (!bound) throw new Error(`src/ops/reference/bounds.ts has no bound for ${fn}`);
  return bound;
}

function reference(node: Tensor, inputs: NdArray[]): NdArray {
  if (!node.op.reference) throw new Error(`no value was given for ${node}`);
  return node.op.reference(inputs, node);
}

/** The values and bounds of `outputs`, given those of the variables they depend on. */
export function bounded(
  outputs: readonly Tensor[],
  values: ReadonlyMap<Tensor, ArrayLike<number>>,
): Bounded[] {
  return walked(outputs, values, new Map());
}

/** @param results what is known of tensors already; the others are added */
function walked(
  outputs: readonly Tensor[],
  values: ReadonlyMap<Tensor, ArrayLike<number>>,
  results: Map<Tensor, Bounded>,
): Bounded[] {
  const order = topological(outputs);
  const asDrawn = drawnIn(order);
  for (const node of order) {
    if (results.has(node)) continue;
    const given = values.get(node);
    if (given) {
      // Bytes are divided by 255, numbers are stored as they are.
      const value = ndarray(node.shape, given);
      const error = value.data.map((x) => (node.dtype === 'u8' ? Math.abs(x) * 2 * U : 0));
      results.set(node, { value, error: ndarray(node.shape, error) });
      continue;
    }
    const subject = asDrawn(node);
    const inputs = node.inputs.map((x) => results.get(x) as Bounded);
    const value = reference(
      subject,
      inputs.map((x) => x.value),
    );
    results.set(node, { value, error: ndarray(node.shape, errorOf(subject, inputs, value)) });
  }
  return outputs.map((output) => results.get(output) as Bounded);
}

/** Of what a node is made of. */
function composedError(node: Tensor, inputs: Bounded[]): Float64Array {
  const fed = node.inputs.map(({ shape }) => variable('fed', shape));
  const made = node.op.composed?.(Object.assign(Object.create(node), { inputs: fed }), {
    isSoftware: true,
  }) as Tensor;
  const known = new Map<Tensor, Bounded>(fed.map((x, i) => [x, inputs[i] as Bounded]));
  return walked([made], new Map(), known)[0]?.error.data as Float64Array;
}

function errorOf(node: Tensor, inputs: Bounded[], value: NdArray): Float64Array {
  switch (node.op.kind) {
    case 'constant':
      return value.data.map((x) => Math.abs(x - Math.fround(x)) * Number(node.dtype === 'f32'));
    case 'elementwise':
      return elementwiseError(node, inputs, value);
    case 'noise': {
      const { absolute } = bounds[`${node.op.name as NoiseKind}4`];
      return value.data.map(() => absolute);
    }
    case 'gather':
      // The index is exact; the table's errors travel with its rows.
      return reference(node, [(inputs[0] as Bounded).error, (inputs[1] as Bounded).value]).data;
    case 'reduce':
      return reductionError(node, inputs[0] as Bounded, value);
    case 'matmul':
    case 'composed':
      // Of what makes no error the order is exact.
      if (node.op.name === 'argSort') return new Float64Array(node.size);
      if (node.op.name === 'batchNorm') return composedError(node, inputs);
      return productError(node, inputs as [Bounded, Bounded]);
    case 'kernel':
      return kernelError(node, inputs, value);
    case 'iota':
      return value.data.map(() => 0);
    default:
      return reference(
        node,
        inputs.map((x) => x.error),
      ).data;
  }
}

/** How far the results move when the inputs do, one input at a time. */
function movement(
  node: Tensor,
  inputs: Bounded[],
  value: NdArray,
  by: (x: number, error: number) => number,
): Float64Array {
  const total = new Float64Array(value.data.length);
  inputs.forEach((input, i) => {
    const step = input.value.data.map((x, k) => by(x, input.error.data[k] as number));
    if (step.every((x) => x === 0)) return;
    const most = new Float64Array(total.length);
    for (const sign of [1, -1]) {
      const moved = inputs.map((x) => x.value);
      const data = input.value.data.map((x, k) => x + sign * (step[k] as number));
      moved[i] = { shape: input.value.shape, data };
      reference(node, moved).data.forEach((y, k) => {
        const change = Math.abs(y - (value.data[k] as number));
        if (change > (most[k] as number)) most[k] = change;
      });
    }
    most.forEach((change, k) => {
      total[k] = (total[k] as number) + change;
    });
  });
  return total;
}

function elementwiseError(node: Tensor, inputs: Bounded[], value: NdArray): Float64Array {
  const { absolute, relative } = boundOf(node);
  const { fn, module } = node.op.snippet as Snippet;
  const carried = movement(node, inputs, value, (_, error) => error);
  // A density's bound is relative to the terms of its formula: what its arguments' own rounding does.
  const isDensity = module.name === 'lib/densities';
  const terms = isDensity
    ? movement(node, inputs, value, (x) => relative * Math.abs(x))
    : undefined;
  return carried.map((error, k) => {
    const y = value.data[k] as number;
    if (error === 0 && rounded.has(fn) && Math.fround(y) === y) return 0;
    const scale = isDensity || fn === 'logaddexp4' ? Math.max(1, Math.abs(y)) : Math.abs(y);
    const grows = fn === 'power' ? 1 + largest(inputs[1]) / 10 : 1;
    // Second-order terms of the carried errors, too.
    return 1.01 * error + absolute + relative * grows * scale + (terms?.[k] ?? 0);
  });
}

function largest(input: Bounded | undefined): number {
  return input ? input.value.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0) : 0;
}

/** Whether sums of the terms make no error: they are multiples of one power of two, and few. */
function isExactSum(terms: ArrayLike<number>, size: number): boolean {
  if (size === 0) return true;
  let grain = 2 ** Math.ceil(Math.log2(size));
  const least = grain * 2 ** -23;
  for (let k = 0; k < terms.length; k++) {
    const x = terms[k] as number;
    while (x % grain !== 0) {
      grain /= 2;
      if (grain < least) return false;
    }
  }
  return size / grain <= 2 ** 24;
}

function reductionError(node: Tensor, x: Bounded, value: NdArray): Float64Array {
  const fold = (data: Float64Array, op: (a: number, b: number) => number) => {
    const result = new Float64Array(value.data.length).fill(Number.NaN);
    groups.forEach((members, k) => {
      for (const i of members) {
        const y = data[i] as number;
        result[k] = Number.isNaN(result[k]) ? y : op(result[k] as number, y);
      }
    });
    return result;
  };
  const groups = groupsOf(node);
  const add = (a: number, b: number) => a + b;
  if (node.op.name === 'max') return fold(x.error.data, Math.max);
  if (node.op.name === 'logSumExp') {
    const worst = fold(x.error.data, Math.max);
    return worst.map((error, k) => {
      const n = (groups[k] as number[]).length;
      const scale = Math.max(1, Math.abs(value.data[k] as number));
      return error + bounds.lse_finish.relative * scale + n * U;
    });
  }
  const carried = fold(x.error.data, add);
  const sizes = fold(
    x.value.data.map((y) => Math.abs(y)),
    add,
  );
  return carried.map((error, k) => {
    const members = groups[k] as number[];
    const size = sizes[k] as number;
    const terms = members.map((i) => x.value.data[i] as number);
    if (error === 0 && isExactSum(terms, size)) return 0;
    return error + members.length * U * (size + error);
  });
}

/** For each element of a reduction's result, the elements that are folded into it. */
function groupsOf(node: Tensor): number[][] {
  const source = node.inputs[0] as Tensor;
  const index = ndarray(
    source.shape,
    Array.from({ length: source.size }, (_, i) => i),
  );
  const groups: number[][] = Array.from({ length: node.size }, () => []);
  const { shape } = node;
  const at = new Array<number>(source.rank).fill(0);
  for (const i of index.data) {
    let rest = i;
    for (let axis = source.rank - 1; axis >= 0; axis--) {
      at[axis] = rest % (source.shape[axis] as number);
      rest = Math.floor(rest / (source.shape[axis] as number));
    }
    let to = 0;
    for (let axis = 0; axis < source.rank; axis++) {
      to = to * (shape[axis] as number) + (shape[axis] === 1 ? 0 : (at[axis] as number));
    }
    (groups[to] as number[]).push(i);
  }
  return groups;
}

function productError(node: Tensor, [a, b]: [Bounded, Bounded]): Float64Array {
  /** Terms of each sum, at most. */
  function termsOf(node: Tensor): number {
    const { window, image, out } = node.attrs as {
      window?: { kernel: readonly [number, number]; out: readonly [number, number] };
      image: readonly number[];
      out: number;
    };
    if (!window) return (node.inputs[0] as Tensor).shape.at(-1) as number;
    const taps = window.kernel[0] * window.kernel[1];
    const places = (image[0] as number) * window.out[0] * window.out[1];
    return (
      { convolution: taps * (image[3] as number), convolutionAdjoint: taps * out }[node.op.name] ??
      places
    );
  }

  const absolute = (x: NdArray): NdArray => ({ shape: x.shape, data: x.data.map(Math.abs) });
  const product = (x: NdArray, y: NdArray) => reference(node, [x, y]).data;
  const size = product(absolute(a.value), absolute(b.value));
  const [left, right] = [product(absolute(a.value), b.error), product(a.error, absolute(b.value))];
  const inner = termsOf(node);
  const largestSum = size.reduce((x, y) => Math.max(x, y), 0);
  const grains = [a, b].map((x) => grainOf(x.value.data));
  const isExact = largestSum <= 2 ** 24 * (grains[0] as number) * (grains[1] as number);
  return size.map((total, k) => {
    const carried = (left[k] as number) + (right[k] as number);
    if (carried === 0 && isExact) return 0;
    return 1.01 * carried + inner * U * total;
  });
}

const absolute = (x: NdArray): NdArray => ({ shape: x.shape, data: x.data.map(Math.abs) });

/** Shaders of their own: what they sum, and how errors of their inputs travel. */
function kernelError(node: Tensor, inputs: Bounded[], value: NdArray): Float64Array {
  const [x] = inputs as [Bounded];
  switch (node.op.name) {
    case 'permuteColumns':
    case 'takeLines':
    case 'putLines':
      return reference(node, [x.error, (inputs[1] as Bounded).value]).data;
    case 'patches':
      return reference(node, [x.error]).data;
    case 'overlapAdd': {
      const taps = node.attrs.window as { kernel: readonly [number, number] };
      const terms = taps.kernel[0] * taps.kernel[1];
      const carried = reference(node, [x.error]).data;
      const size = reference(node, [absolute(x.value)]).data;
      return carried.map((error, k) => error + terms * U * ((size[k] as number) + error));
    }
    case 'addRows': {
      const index = (inputs[1] as Bounded).value;
      const carried = reference(node, [x.error, index]).data;
      const size = reference(node, [absolute(x.value), index]).data;
      const terms = index.data.length;
      return carried.map((error, k) => error + terms * U * ((size[k] as number) + error));
    }
    case 'segmentMax':
      return reference(node, [x.error]).data;
    case 'segmentSum':
    case 'cumSum': {
      const carried = reference(node, [x.error]).data;
      const size = reference(node, [absolute(x.value)]).data;
      const most = size.reduce((a, b) => Math.max(a, b), 0);
      if (x.error.data.every((error) => error === 0) && isExactSum(x.value.data, most)) {
        return new Float64Array(node.size);
      }
      const terms = node.shape.at((node.attrs.axis as number | undefined) ?? -1) as number;
      return carried.map((error, k) => error + terms * U * ((size[k] as number) + error));
    }
    case 'cumProd': {
      // Relative errors add up, and each product is rounded.
      const most = x.value.data.map((y, k) => Math.abs(y) + (x.error.data[k] as number));
      const all = reference(node, [{ shape: x.value.shape, data: most }]).data;
      const exactly = reference(node, [absolute(x.value)]).data;
      const n = node.shape[node.attrs.axis as number] as number;
      return all.map((y, k) => y - (exactly[k] as number) + 1.01 * n * U * y);
    }
    case 'segmentLogSumExp':
    case 'logCumSumExp': {
      const terms = node.shape.at((node.attrs.axis as number | undefined) ?? -1) as number;
      const worst = x.error.data.reduce((a, b) => Math.max(a, b), 0);
      return value.data.map(
        (y) => worst + bounds.lse_finish.relative * Math.max(1, Math.abs(y)) + terms * U,
      );
    }
    case 'triangularInverse':
      return inverseError(node, x, value);
    case 'cholesky':
      return choleskyError(node, x, value);
    default:
      throw new Error(`no error bound is known for ${node}`);
  }
}

/** |X̂ - X| ≤ (N + 1) u |X||A||X|, and to first order |X| δA |X| (Higham 2002, theorem 8.5). */
function inverseError(node: Tensor, a: Bounded, value: NdArray): Float64Array {
  const n = node.shape.at(-1) as number;
  const { upper, unitDiagonal } = node.attrs as { upper: boolean; unitDiagonal: boolean };
  const isRead = (i: number, k: number) => (upper ? k >= i : k <= i) && !(unitDiagonal && k === i);
  const result = new Float64Array(node.size);
  for (let start = 0; start < node.size; start += n * n) {
    const at = (i: number, k: number) => start + i * n + k;
    const middle = (i: number, k: number) => {
      if (!isRead(i, k)) return unitDiagonal && i === k ? (n + 1) * U : 0;
      const size = Math.abs(a.value.data[at(i, k)] as number);
      return (n + 1) * U * size + 1.01 * (a.error.data[at(i, k)] as number);
    };
    const x = (i: number, k: number) => Math.abs(value.data[at(i, k)] as number);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let total = 0;
        for (let k = 0; k < n; k++) {
          for (let l = 0; l < n; l++) total += x(i, k) * middle(k, l) * x(l, j);
        }
        result[at(i, j)] = 1.01 * total;
      }
    }
  }
  return result;
}

/**
 * L̂ L̂ᵀ = A + ΔA with |ΔA| ≤ (N + 3) u |L||Lᵀ| (Higham 2002, theorem 10.3; square roots may be off by more than
 * half a unit), and to first order δL = L Φ(L⁻¹ δA L⁻ᵀ), Φ the lower triangle with its diagonal halved.
 */
function choleskyError(node: Tensor, a: Bounded, value: NdArray): Float64Array {
  const n = node.shape.at(-1) as number;
  const result = new Float64Array(node.size);
  const product = (x: Float64Array, y: (i: number, j: number) => number) =>
    Float64Array.from({ length: n * n }, (_, at) => {
      let total = 0;
      for (let k = 0; k < n; k++) total += (x[Math.floor(at / n) * n + k] as number) * y(k, at % n);
      return total;
    });
  const reader = (x: Float64Array) => (i: number, j: number) => x[i * n + j] as number;
  const turned = (x: Float64Array) => (i: number, j: number) => x[j * n + i] as number;
  for (let start = 0; start < node.size; start += n * n) {
    const part = (x: Float64Array) => x.slice(start, start + n * n);
    const l = part(value.data).map(Math.abs);
    const inverse = lowerInverse(part(value.data), n).map(Math.abs);
    const given = part(a.error.data);
    const off = product(l, turned(l)).map((x, i) => (n + 3) * U * x + 1.01 * (given[i] as number));
    const middle = product(product(inverse, reader(off)), turned(inverse));
    const half = (i: number, j: number) =>
      (i < j ? 0 : i === j ? 0.5 : 1) * (middle[i * n + j] as number);
    result.set(
      product(l, half).map((x) => 1.01 * x),
      start,
    );
  }
  return result;
}

/** The largest power of two of which all the numbers are multiples; 0 if it is very small. */
function grainOf(data: Float64Array): number {
  let grain = 1;
  for (const x of data) {
    while (x % grain !== 0) {
      grain /= 2;
      if (grain < 2 ** -20) return 0;
    }
  }
  return grain;
}
