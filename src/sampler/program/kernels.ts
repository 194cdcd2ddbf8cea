// The ops of programs in JavaScript: float32 in memory, sums in float64.
import { sigmoid } from '../../ops/reference/special.ts';
import { sizeOf } from '../network.ts';
import { type Multiply, plain } from '../product.ts';
import { FUNCTIONS } from './functions.ts';

type Numbers = Float32Array;
type Shape = readonly number[];

/** What is computed of: numbers, and their extents. */
export interface Value {
  readonly data: Numbers;
  readonly shape: Shape;
  /** Of weights: products with them. */
  readonly multiply?: Multiply | undefined;
}

/** Steps of each axis, zero along those that are repeated. */
export function stridesOf(shape: Shape): number[] {
  let size = 1;
  return shape
    .map((extent) => extent)
    .reverse()
    .map((extent) => {
      const stride = extent === 1 ? 0 : size;
      size *= extent;
      return stride;
    })
    .reverse();
}

/** Element (i₀, i₁, …) is at offset + Σ iₐ strides[a]. */
function strided(data: Numbers, shape: Shape, strides: Shape, offset = 0): Numbers {
  const out = new Float32Array(sizeOf(shape));
  const last = shape.length - 1;
  const [width, step] = [shape[last] ?? 1, strides[last] ?? 0];
  const index = new Uint32Array(shape.length);
  for (let at = 0, from = offset; at < out.length; ) {
    for (let i = 0, j = from; i < width; i++, j += step) out[at++] = data[j]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

function expanded({ data, shape }: Value, to: Shape): Numbers {
  if (data.length === sizeOf(to)) return data;
  const own = stridesOf(shape);
  const lead = to.length - shape.length;
  return strided(
    data,
    to,
    to.map((_, axis) => own[axis - lead] ?? 0),
  );
}

/** Numbers that begin again whenever they end: the last axes of what they are repeated over. */
function repeating(value: Value, to: Shape): Numbers {
  const { data, shape } = value;
  const own = shape.slice(shape.findIndex((n) => n !== 1));
  const isSuffix = data.length === 1 || own.every((n, i) => n === to[to.length - own.length + i]);
  return isSuffix ? data : expanded(value, to);
}

function mapped(f: (...x: number[]) => number, values: readonly Value[], shape: Shape): Numbers {
  const out = new Float32Array(sizeOf(shape));
  const [a, b = a, c = a] = values.map((value) => repeating(value, shape)) as Numbers[];
  const [m, n, o] = [a!.length, b!.length, c!.length];
  for (let at = 0, i = 0, j = 0, k = 0; at < out.length; at++) {
    out[at] = f(a![i]!, b![j]!, c![k]!);
    if (++i === m) i = 0;
    if (++j === n) j = 0;
    if (++k === o) k = 0;
  }
  return out;
}

const FOLDS: Readonly<Record<string, (x: Numbers, from: number, count: number) => number>> = {
  sum(x, from, count) {
    let total = 0;
    for (let i = from; i < from + count; i++) total += x[i]!;
    return total;
  },
  max(x, from, count) {
    let top = x[from]!;
    for (let i = from; i < from + count; i++) top = Math.max(top, x[i]!);
    return top;
  },
  logSumExp(x, from, count) {
    const top = FOLDS.max!(x, from, count);
    let total = 0;
    for (let i = from; i < from + count; i++) total += Math.exp(x[i]! - top);
    return top + Math.log(total);
  },
};

function folded(op: string, { data, shape }: Value, axes: Shape): Numbers {
  const isOut = (_: number, axis: number) => axes.includes(axis);
  const order = [...shape.keys()];
  const kept = order.filter((axis) => !axes.includes(axis));
  const count = sizeOf(shape.filter(isOut));
  const strides = stridesOf(shape);
  const to = [...kept, ...order.filter((axis) => axes.includes(axis))];
  const isInPlace = to.every((axis, i) => axis === i);
  const x = isInPlace
    ? data
    : strided(
        data,
        to.map((axis) => shape[axis]!),
        to.map((axis) => strides[axis]!),
      );
  const fold = FOLDS[op]!;
  return Float32Array.from({ length: data.length / count }, (_, i) => fold(x, i * count, count));
}

/** Visits each tap that lies inside its image: its place in windows, and in images. */
function forEachTap(
  { shape: [batch, height, width, channels] }: Pick<Value, 'shape'>,
  [tall, wide, stride, dilation, top, left]: Shape,
  [down, across]: Shape,
  visit: (window: number, pixel: number) => void,
): void {
  let at = 0;
  for (let b = 0; b < batch!; b++) {
    for (let i = 0; i < down!; i++) {
      for (let j = 0; j < across!; j++) {
        for (let tap = 0; tap < tall! * wide!; tap++, at += channels!) {
          const row = i * stride! + Math.floor(tap / wide!) * dilation! - top!;
          const column = j * stride! + (tap % wide!) * dilation! - left!;
          if (row < 0 || row >= height! || column < 0 || column >= width!) continue;
          visit(at, ((b * height! + row) * width! + column) * channels!);
        }
      }
    }
  }
}

/** Units over time, [B, 1 + T, parts · H]. */
function recurrent(
  [inputs, weight, bias, start]: readonly Value[],
  [batch, states, width]: Shape,
  gates: number,
): Numbers {
  const hidden = weight!.shape[1]!;
  const out = new Float32Array(batch! * states! * width!);
  const told = new Float32Array(gates * hidden);
  const multiply = weight!.multiply ?? plain({ weight: weight!.data, inputs: hidden });
  for (let row = 0; row < batch!; row++) {
    let at = row * states! * width!;
    out.set(start!.data.subarray(row * width!, (row + 1) * width!), at);
    for (let t = 0; t < states! - 1; t++, at += width!) {
      multiply(out.subarray(at, at + hidden), told);
      const first = (row * (states! - 1) + t) * gates * hidden;
      for (let j = 0; j < hidden; j++) {
        const given = (q: number) => inputs!.data[first + q * hidden + j]!;
        const by = (q: number) => told[q * hidden + j]! + bias!.data[q * hidden + j]!;
        const gate = (q: number) => sigmoid(given(q) + by(q));
        const next = at + width! + j;
        if (gates === 3) {
          const n = Math.tanh(given(2) + gate(0) * by(2));
          out[next] = n + gate(1) * (out[at + j]! - n);
        } else {
          const c = gate(1) * out[at + hidden + j]! + gate(0) * Math.tanh(given(2) + by(2));
          out[next + hidden] = c;
          out[next] = gate(3) * Math.tanh(c);
        }
      }
    }
  }
  return out;
}

/** The images with causal convolution y: a triangular system over pixels. */
function solved(y: Value, w: Value, isReversed: number): Numbers {
  const [, height, width, channels] = y.shape as [number, number, number, number];
  const kernel = w.shape[1]!;
  const half = kernel >> 1;
  const center = half * kernel + half;
  const taps = kernel * kernel;
  const size = height * width * channels;
  const out = new Float32Array(y.data.length);
  const weight = (made: number, tap: number, seen: number) =>
    isReversed
      ? w.data[((channels - 1 - made) * taps + taps - 1 - tap) * channels + channels - 1 - seen]!
      : w.data[(made * taps + tap) * channels + seen]!;
  for (let first = 0; first < out.length; first += size) {
    const at = (row: number, column: number, c: number) => {
      const place = (row * width + column) * channels + c;
      return first + (isReversed ? size - 1 - place : place);
    };
    for (let place = 0; place < size; place++) {
      const c = place % channels;
      const column = Math.floor(place / channels) % width;
      const row = Math.floor(place / channels / width);
      let rest = y.data[at(row, column, c)]!;
      for (let tap = 0; tap <= center; tap++) {
        const r = row + Math.floor(tap / kernel) - half;
        const q = column + (tap % kernel) - half;
        if (r < 0 || q < 0 || q >= width) continue;
        const seen = tap === center ? c : channels;
        for (let d = 0; d < seen; d++) rest -= weight(c, tap, d) * out[at(r, q, d)]!;
      }
      out[at(row, column, c)] = rest / weight(c, center, c);
    }
  }
  return out;
}

type Kernel = (values: readonly Value[], shape: Shape, rest: readonly never[]) => Numbers;

const fold =
  (op: string): Kernel =>
  ([x], _, [axes]) =>
    folded(op, x!, axes!);

/** Numbers of a node of the given extents, by those of its operands. */
export const KERNELS: Readonly<Record<string, Kernel>> = {
  ...Object.fromEntries(
    Object.entries(FUNCTIONS).map(([name, f]): [string, Kernel] => [
      name,
      (values, shape) => mapped(f, values, shape),
    ]),
  ),
  c: (_, __, [value]) => Float32Array.of(value!),
  reshape: ([x]) => x!.data,
  expand: ([x], shape) => expanded(x!, shape),
  transpose: ([x], shape, [order]: readonly Shape[]) => {
    const strides = stridesOf(x!.shape);
    return strided(
      x!.data,
      shape,
      order!.map((axis) => strides[axis]!),
    );
  },
  slice: ([x], shape, [axis, start]: readonly number[]) => {
    const inner = sizeOf(shape.slice(axis! + 1));
    return strided(x!.data, shape, stridesOf(x!.shape), start! * inner);
  },
  concat(parts, shape, [axis]) {
    const out = new Float32Array(sizeOf(shape));
    const step = sizeOf(shape.slice(axis!));
    let start = 0;
    for (const part of parts) {
      const own = sizeOf(part.shape.slice(axis!));
      for (let from = 0, to = start; from < part.data.length; from += own, to += step) {
        out.set(part.data.subarray(from, from + own), to);
      }
      start += own;
    }
    return out;
  },
  linear([x, w], shape) {
    const out = new Float32Array(sizeOf(shape));
    const terms = x!.shape.at(-1)!;
    const each = sizeOf(w!.shape.slice(0, -2));
    const part = (data: Numbers, i: number) =>
      data.subarray((i * data.length) / each, ((i + 1) * data.length) / each);
    for (let i = 0; i < each; i++) {
      const multiply = w!.multiply ?? plain({ weight: part(w!.data, i), inputs: terms });
      multiply(part(x!.data, i), part(out, i));
    }
    return out;
  },
  sum: fold('sum'),
  max: fold('max'),
  logSumExp: fold('logSumExp'),
  gather([table, index], shape) {
    const out = new Float32Array(sizeOf(shape));
    const width = shape[1]!;
    index!.data.forEach((row, i) => {
      out.set(table!.data.subarray(row * width, (row + 1) * width), i * width);
    });
    return out;
  },
  pick([x, index], shape) {
    const width = shape.at(-1)!;
    return x!.data.map((_, i) => x!.data[i - (i % width) + index!.data[i % width]!]!);
  },
  patches([x], shape, [window]: readonly Shape[]) {
    const out = new Float32Array(sizeOf(shape));
    const channels = x!.shape[3]!;
    forEachTap(x!, window!, shape.slice(1), (at, pixel) => {
      for (let c = 0; c < channels; c++) out[at + c] = x!.data[pixel + c]!;
    });
    return out;
  },
  overlap([y], shape, [window]: readonly Shape[]) {
    const out = new Float32Array(sizeOf(shape));
    const channels = shape[3]!;
    forEachTap({ shape }, window!, y!.shape.slice(1), (at, pixel) => {
      for (let c = 0; c < channels; c++) out[pixel + c]! += y!.data[at + c]!;
    });
    return out;
  },
  solve: ([y, w], _, [isReversed]) => solved(y!, w!, isReversed!),
  gru: (values, shape) => recurrent(values, shape, 3),
  lstm: (values, shape) => recurrent(values, shape, 4),
};
