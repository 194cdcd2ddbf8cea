// The mould for elementwise ops: one declarative row an op.
import { mapArrays, type NdArray } from '../graph/ndarray.ts';
import { broadcastShapes } from '../graph/shape.ts';
import { type DType, defineOp, type Op, Tensor } from '../graph/tensor.ts';
import { libArithmetic, type Shader } from '../kernels/shaders.gen.ts';
import { constant, constantValue, full, type TensorLike } from './constant.ts';
import { checkTypes } from './operand-type.ts';

export interface ElementwiseRow {
  /** Name of the op, and of its WGSL function unless `fn` says otherwise. */
  name: string;
  fn?: string;
  /** The file in shaders/ that holds the WGSL function; default: `lib/arithmetic`. */
  module?: Shader;
  /** The same function of float64 numbers. */
  reference: (...values: number[]) => number;
  /** d(output)/d(input i) times the output's gradient; gradient() sums over broadcast axes. */
  vjp?: (inputs: readonly Tensor[], output: Tensor, gradient: Tensor) => (Tensor | undefined)[];
  dtype?: DType;
  /** The type of the operands, or of each; by default float32, which bytes are read as, too. */
  operands?: DType | readonly DType[];
  flops?: number;
}

export type ElementwiseFunction = (...inputs: TensorLike[]) => Tensor;
export type Unary = (x: TensorLike) => Tensor;
export type Binary = (a: TensorLike, b: TensorLike) => Tensor;

/** Defines an elementwise op and returns its builder. */
export function elementwise(row: ElementwiseRow): ElementwiseFunction {
  const { vjp } = row;
  const op: Op = defineOp({
    name: row.name,
    kind: 'elementwise',
    snippet: { fn: row.fn ?? row.name, module: row.module ?? libArithmetic },
    flops: row.flops ?? 1,
    reference: (inputs: NdArray[], node) => mapArrays(node.shape, inputs, row.reference),
    ...(vjp && {
      vjp: (node: Tensor, gradient: Tensor) => vjp(node.inputs, node, gradient),
    }),
  });
  return (...operands) => {
    const { operands: types = 'f32' } = row;
    const typeOf = (i: number) => (typeof types === 'string' ? types : (types[i] as DType));
    const inputs = operands.map((x, i) => (typeof x === 'number' ? constant(x, typeOf(i)) : x));
    const dtype = row.dtype ?? 'f32';
    inputs.forEach((x, i) => {
      checkTypes(row.name, [x], typeOf(i));
    });
    const shape = broadcastShapes(row.name, ...inputs.map((x) => x.shape));
    const numbers = inputs.map(constantValue);
    if (numbers.every((x) => x !== undefined)) {
      const value = row.reference(...(numbers as number[]));
      if (Number.isFinite(value) && Math.abs(value) < 3.4e38) return full(shape, value, dtype);
    }
    return new Tensor(op, inputs, shape, dtype);
  };
}
