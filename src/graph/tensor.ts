// A tensor is a node of a static, lazily built, immutable graph: nothing is computed when it is
// made. The op it carries says how its shape follows from its inputs, how it is differentiated
// and how it is computed in float64; the scheduler decides how it is computed on the GPU.
import { LatentGpuError } from '../errors.ts';
import type { Constants, Hooks, KernelName, Shader } from '../kernels/specialize.ts';
import type { NdArray } from './ndarray.ts';
import { formatShape, type Shape, sizeOf } from './shape.ts';

/** Element types. `u8` only exists in storage: it is read as float32 in [0, 1], byte / 255. */
export type DType = 'f32' | 'u32' | 'u8';

/** What the scheduler needs to know about an op to place it in a kernel. */
export type OpKind =
  | 'variable' // persistent GPU memory: parameters, state, data, inputs
  | 'constant' // one number, written into the kernels that use it
  | 'elementwise' // one WGSL function of broadcast inputs
  | 'noise' // random numbers, a function of (seed, step, stream, element)
  | 'iota' // the index along one axis
  | 'gather' // rows of a matrix, picked by index
  | 'reduce' // sum, max, log-sum-exp over axes
  | 'matmul' // batched matrix product
  | 'composed' // made of other ops before it is placed
  | 'kernel' // a kernel of its own: reads its inputs whole, writes its result whole
  | 'view' // other indices into the same memory
  | 'concat' // inputs side by side along an axis
  | 'loop' // legs that are replayed within the step, between what they need and who needs them
  | 'assign' // a variable takes a new value at the end of the step
  | 'store' // one element of a variable takes a new value
  | 'scatter'; // rows of a variable, picked by index, take new values

export type Attributes = Readonly<Record<string, unknown>>;

/** A function of a file under `shaders/lib`. */
export interface Snippet {
  readonly fn: string;
  readonly module: Shader;
}

export interface Op {
  readonly name: string;
  readonly kind: OpKind;
  /** Gradients with respect to the inputs, given that of the output; undefined: none flows. */
  readonly vjp?: (node: Tensor, gradient: Tensor) => (Tensor | undefined)[];
  /** The op in float64, on arrays whose shapes are the inputs' own. */
  readonly reference?: (inputs: NdArray[], node: Tensor) => NdArray;
  /** Elementwise ops and noise: the WGSL function (vec4 in, vec4 out) and the file it lives in. */
  readonly snippet?: Snippet;
  /** Floating-point operations an element, for the cost model. */
  readonly flops?: number;
  /** What a node is run as on such an adapter, if it is made of other ops; gradients are its own all the same. */
  readonly composed?: (node: Tensor, adapter: KernelAdapter) => Tensor;
  /** Ops of kind `kernel`: how the hand-written shader is set up for a node. */
  readonly kernel?: (node: Tensor, adapter: KernelAdapter) => KernelSetup;
}

/** What a hand-written shader is set up for. */
export interface KernelAdapter {
  readonly isSoftware: boolean;
  /** Invocations that a workgroup may have; default: 256. */
  readonly maxInvocations?: number;
  /** The size of every subgroup, where it is known; and whether kernels have to ask for it. */
  readonly subgroupSize?: number;
  readonly asksSubgroupSize?: boolean;
  /** Turns after which the driver ends an invocation's loops. Default: none. */
  readonly loopTurns?: number;
}

/**
 * A shader for one node. Its bindings are the inputs in order, then the result; a constant GRID_X is
 * set to the workgroups in a row of the dispatch.
 */
export type KernelSetup<S extends KernelName = KernelName> = S extends KernelName
  ? {
      readonly shader: Shader<S>;
      readonly constants: Constants<S>;
      readonly hooks?: Hooks<S>;
      readonly workgroups: number;
      readonly flops: number;
      /** About how many turns the loops of an invocation take in all. Default: few. */
      readonly turns?: number;
    }
  : never;

let nextId = 1;

/**
 * A tensor of a graph: what an op makes of its inputs, described and not computed. Made by `ops`.
 *
 * @example ops.matmul(ops.zeros([2, 3]), ops.zeros([3, 4])).shape // [2, 4]
 */
export class Tensor {
  readonly id: number = nextId++;
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attrs: Attributes;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Shown by `explain()` and in error messages. */
  name: string;

  constructor(
    op: Op,
    inputs: readonly Tensor[],
    shape: Shape,
    dtype: DType,
    attrs: Attributes = {},
    name = '',
  ) {
    this.op = op;
    this.inputs = inputs;
    this.shape = shape;
    this.dtype = dtype;
    this.attrs = attrs;
    this.name = name;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get rank(): number {
    return this.shape.length;
  }

  toString(): string {
    return `${this.name || `${this.op.name}#${this.id}`} ${this.dtype}${formatShape(this.shape)}`;
  }
}

const registry = new Map<string, Op>();

/** Registers an op under its name, so that the scheduler can derive nodes from it. */
export function defineOp(op: Op): Op {
  if (registry.has(op.name)) throw new Error(`op ${op.name} is defined twice`);
  registry.set(op.name, op);
  return op;
}

export function opNamed(name: string): Op {
  const op = registry.get(name);
  if (!op) throw new LatentGpuError('bad-config', `there is no op named '${name}'`);
  return op;
}

export function allOps(): Op[] {
  return [...registry.values()];
}

/** A node like another, of other inputs or attributes; that one itself where nothing differs. */
export function renewed(
  node: Tensor,
  inputs: readonly Tensor[],
  attrs: Attributes = node.attrs,
): Tensor {
  if (attrs === node.attrs && inputs.every((x, i) => x === node.inputs[i])) return node;
  return new Tensor(node.op, inputs, node.shape, node.dtype, attrs, node.name);
}

/** What a tensor shows: itself, or what its views are of. */
export function throughViews(x: Tensor): Tensor {
  let base = x;
  while (base.op.kind === 'view') base = base.inputs[0] as Tensor;
  return base;
}

/**
 * Names a tensor for explain() and error messages; returns it.
 *
 * @example named(ops.zeros([2]), 'codes').name // "codes"
 */
export function named(tensor: Tensor, name: string): Tensor {
  tensor.name = name;
  return tensor;
}
