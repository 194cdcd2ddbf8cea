// Variables: the tensors with memory of their own. A parameter, the optimizer's moments, the step
// counter, a data set, an input fed before a run: all are variables, told apart by their role.
import { LatentGpuError } from '../errors.ts';
import { checkShape, type Shape, sizeOf } from './shape.ts';
import { type DType, defineOp, Tensor } from './tensor.ts';

/**
 * parameter: trained. buffer: part of a model, but not trained (a permutation, signs, statistics).
 * state: what a step keeps for itself. data: a table of rows. input: filled by the caller.
 */
export type VariableRole = 'parameter' | 'buffer' | 'state' | 'data' | 'input';

/**
 * Fills a variable's memory when it is first needed.
 *
 * @param random uniform draws in [0, 1), a function of the runtime's seed and the variable's name
 * @param seed the runtime's, where there is one
 */
export type Initializer = (shape: Shape, random: () => number, seed?: number) => ArrayLike<number>;

export interface VariableOptions {
  dtype?: DType;
  role?: VariableRole;
  init?: Initializer;
}

const variableOp = defineOp({ name: 'variable', kind: 'variable' });

/**
 * A tensor with memory of its own, told apart by its role. Made by {@link variable} and {@link input}.
 *
 * @example new Variable('weight', [300, 784], { role: 'parameter' }).size // 235200
 */
export class Variable extends Tensor {
  readonly role: VariableRole;
  readonly init: Initializer | undefined;
  /** The flat variable that this one is a part of, and where it starts in it (elements). */
  parent: { readonly variable: Variable; readonly offset: number } | undefined;
  /** Whether its memory holds packed float16 numbers, which kernels read as float32. */
  isHalf = false;

  constructor(name: string, shape: Shape, options: VariableOptions = {}) {
    super(variableOp, [], checkShape(name, shape), options.dtype ?? 'f32', {}, name);
    this.role = options.role ?? 'state';
    this.init = options.init;
  }
}

export function isVariable(tensor: Tensor): tensor is Variable {
  return tensor instanceof Variable;
}

/**
 * A variable: memory that outlives a run.
 *
 * @param name shown in errors, files and explain()
 * @param shape extents, e.g. `[300, 784]`
 * @example variable('weight', [300, 784], { role: 'parameter', init: nn.uniform(0.1) }).size // 235200
 */
export function variable(name: string, shape: Shape, options: VariableOptions = {}): Variable {
  return new Variable(name, shape, options);
}

/**
 * An input: memory the caller fills before a run, `runtime.write(x, values)`, or `plan.compute({ x: values })`.
 *
 * @example input('x', [100, 784]).shape // [100, 784]
 */
export function input(name: string, shape: Shape, dtype: DType = 'f32'): Variable {
  return new Variable(name, shape, { dtype, role: 'input' });
}

export function isHalf(tensor: Tensor): boolean {
  return isVariable(tensor) && tensor.isHalf;
}

/**
 * Has a float32 variable kept as float16: half the memory, rounded to nearest. Kernels read it as
 * float32 and cannot write it. To be called before it has memory or is part of a plan.
 *
 * @throws LatentGpuError `bad-config` for other types, and for a parameter that is being trained
 */
export function keepAsHalf(variable: Variable): void {
  if (variable.dtype !== 'f32' || variable.parent) {
    throw new LatentGpuError(
      'bad-config',
      `${variable} cannot be kept as float16: ${variable.parent ? 'an optimizer trains it' : 'it is not float32'}`,
    );
  }
  variable.isHalf = true;
}

/** Parts of a flat variable start at multiples of this many elements (WebGPU binds at 256 bytes). */
export const PART_ALIGNMENT = 64;

/**
 * One flat variable that holds all the given parameters end to end, so that an optimizer updates
 * them in one dispatch. Packing the same list again returns the same variable.
 */
export function packParameters(parameters: readonly Variable[], name = 'parameters'): Variable {
  const first = parameters[0];
  if (!first) {
    throw new LatentGpuError(
      'bad-config',
      `${name}: there is no parameter to pack; give the optimizer a model that has some`,
    );
  }
  const parent = first.parent?.variable;
  if (parent && parameters.every((p) => p.parent?.variable === parent)) {
    const members = packedMembers(parent);
    if (members.length === parameters.length && members.every((m, i) => m === parameters[i])) {
      return parent;
    }
  }
  let offset = 0;
  const offsets = new Map<Variable, number>();
  for (const parameter of parameters) {
    if (offsets.has(parameter)) {
      throw new LatentGpuError(
        'bad-config',
        `${name}: parameter '${parameter.name}' is given twice; name each parameter once`,
      );
    }
    if (parameter.parent) {
      throw new LatentGpuError(
        'bad-config',
        `${name}: parameter '${parameter.name}' is already packed with another set of parameters; ` +
          'give one optimizer all the parameters of a model',
      );
    }
    if (parameter.isHalf) {
      throw new LatentGpuError(
        'bad-config',
        `${name}: parameter '${parameter.name}' is kept as float16, which is for inference; ` +
          'train a model whose weights are float32',
      );
    }
    offsets.set(parameter, offset);
    offset += Math.ceil(sizeOf(parameter.shape) / PART_ALIGNMENT) * PART_ALIGNMENT;
  }
  const flat = new Variable(name, [offset], { role: 'state' });
  for (const [parameter, at] of offsets) parameter.parent = { variable: flat, offset: at };
  members.set(flat, [...parameters]);
  return flat;
}

const members = new WeakMap<Variable, Variable[]>();

/** The parameters inside a flat variable, in order; empty for any other variable. */
export function packedMembers(flat: Variable): readonly Variable[] {
  return members.get(flat) ?? [];
}
