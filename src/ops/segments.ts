// Folds over segments of the last axis, each told at every element of its own: what variables of unequal numbers of
// classes, side by side, are made of.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, type Op, Tensor } from '../graph/tensor.ts';
import {
  libRunningLogsumexp,
  libRunningMax,
  libRunningSum,
  type Shader,
  segments,
} from '../kernels/shaders.gen.ts';
import { mul, sub } from './arithmetic.ts';
import { exp } from './elementary.ts';
import { checkTypes } from './operand-type.ts';
import { logaddexp } from './reference/special.ts';

const WORKGROUP = 64;

const sizesOf = (node: Tensor) => node.attrs.sizes as readonly number[];

/** Where segments begin, and the end of the last. */
function startsOf(sizes: readonly number[]): number[] {
  let end = 0;
  return [0, ...sizes.map((size) => (end += size))];
}

interface Fold {
  readonly name: string;
  readonly library: Shader;
  /** Operations an element. */
  readonly flops: number;
  readonly merge: (a: number, b: number) => number;
  readonly vjp: NonNullable<Op['vjp']>;
}

function foldOf({ name, library, flops, merge, vjp }: Fold): Op {
  return defineOp({
    name,
    kind: 'kernel',
    vjp,
    reference: ([x], node) => {
      const { data } = x as NdArray;
      const starts = startsOf(sizesOf(node));
      const width = starts.at(-1) as number;
      const result = ndarray(node.shape);
      for (let line = 0; line < node.size; line += width) {
        for (const [s, size] of sizesOf(node).entries()) {
          const start = line + (starts[s] as number);
          result.data.fill(
            data.subarray(start, start + size).reduce((a, b) => merge(a, b)),
            start,
            start + size,
          );
        }
      }
      return result;
    },
    kernel: (node) => {
      const sizes = sizesOf(node);
      const starts = startsOf(sizes);
      const N = starts.at(-1) as number;
      const LINES = node.size / N;
      const texts = starts.map((start) => `${start}u`);
      return {
        shader: segments,
        constants: { LINES, N, SEGMENTS: sizes.length, WORKGROUP },
        hooks: {
          starts: `const STARTS = array<u32, ${starts.length}>(${texts.join(', ')});`,
          fold: library,
        },
        workgroups: Math.ceil((LINES * sizes.length) / WORKGROUP),
        flops: flops * node.size,
        turns: 2 * Math.max(...sizes),
      };
    },
  });
}

function folded(op: Op, x: Tensor, sizes: readonly number[]): Tensor {
  checkTypes(op.name, [x]);
  const isWhole = sizes.every((size) => Number.isInteger(size) && size >= 1);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (!isWhole || total !== x.shape.at(-1)) {
    throw new LatentGpuError(
      'shape-mismatch',
      `${op.name}: segments of ${sizes.join(' + ')} are not the last axis of ${x}`,
    );
  }
  return new Tensor(op, [x], x.shape, 'f32', { sizes });
}

const sumOp = foldOf({
  name: 'segmentSum',
  library: libRunningSum,
  flops: 1,
  merge: (a, b) => a + b,
  vjp: (node, gradient) => [segmentSum(gradient, sizesOf(node))],
});

const logSumExpOp = foldOf({
  name: 'segmentLogSumExp',
  library: libRunningLogsumexp,
  flops: 10,
  merge: logaddexp,
  vjp: (node, gradient) => {
    const x = node.inputs[0] as Tensor;
    return [mul(exp(sub(x, node)), segmentSum(gradient, sizesOf(node)))];
  },
});

/** Of which no gradient is asked: what is drawn has none. */
const maxOp = foldOf({
  name: 'segmentMax',
  library: libRunningMax,
  flops: 1,
  merge: Math.max,
  vjp: () => [undefined],
});

/**
 * Sums over segments of the last axis of x [..., Σ sizes], at each element that of its own: [..., Σ sizes].
 *
 * @throws LatentGpuError `shape-mismatch` for sizes that do not add up to the last axis
 */
export function segmentSum(x: Tensor, sizes: readonly number[]): Tensor {
  return folded(sumOp, x, sizes);
}

/** log Σ exp over segments, as {@link segmentSum}. @throws as that */
export function segmentLogSumExp(x: Tensor, sizes: readonly number[]): Tensor {
  return folded(logSumExpOp, x, sizes);
}

/** The largest of segments, as {@link segmentSum}; no gradient flows. @throws as that */
export function segmentMax(x: Tensor, sizes: readonly number[]): Tensor {
  return folded(maxOp, x, sizes);
}
