/** Formulas as graphs of scalar operations, evaluated as float32 and integer units do. */

export type Type = 'f32' | 'i32' | 'u32' | 'bool';

/** An operation on scalars; equal ones are one object. */
export interface Node {
  readonly id: number;
  /** `number`, `given`, or what is done with `args`. */
  readonly op: string;
  readonly type: Type;
  readonly args: readonly Node[];
  /** Of a `number`. */
  readonly value: number;
}

/** How floating-point operations come out where WGSL leaves that open. */
export interface Unit {
  /** Whether an `fma` is rounded once; else it is a product and a sum. */
  readonly isFused: boolean;
  /** Whether denormal results are 0. */
  readonly flushes: boolean;
}

const words = new Uint32Array(1);
const floats = new Float32Array(words.buffer);

const bitsOf = (x: number, type: Type): number => {
  if (type !== 'f32') return x >>> 0;
  floats[0] = x;
  return words[0] as number;
};

/** A number of the type, from bits or from a result too wide. */
const fromBits = (bits: number, type: Type): number => {
  if (type === 'u32') return bits >>> 0;
  if (type === 'i32') return bits | 0;
  words[0] = bits >>> 0;
  return floats[0] as number;
};

/** One of the integers, or true or false. */
const integerOps: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': Math.imul,
  '/': (a, b) => Math.trunc(a / (b || 1)),
  '%': (a, b) => (b === 0 ? 0 : a % b),
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '>>': (a, b) => (a < 0 ? a >> b : a >>> b),
  '<<': (a, b) => a << b,
};

/** To be rounded to float32. */
const floatOps: Record<string, (a: number, b: number, c: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  negate: (a) => -a,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  sqrt: Math.sqrt,
  inverseSqrt: (a) => 1 / Math.sqrt(a),
};

const comparisons: Record<string, (a: number, b: number) => boolean> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

type Operation = (a: number, b: number, c: number) => number;

/** @throws Error for an operation that is not known here */
function operationOf({ op, type, args }: Node, { isFused, flushes }: Unit): Operation {
  const of = args[0]?.type as Type;
  const compare = comparisons[op];
  if (compare) return (a, b) => Number(compare(a, b));
  if (op === 'select') return (a, b, c) => (c ? b : a);
  if (op === 'bitcast') return (a) => fromBits(bitsOf(a, of), type);
  if (op === 'not') return type === 'bool' ? (a) => 1 - a : (a) => fromBits(~a, type);
  if (op === 'convert') {
    if (type === 'f32') return Math.fround;
    if (of !== 'f32') return (a) => fromBits(a, type);
    const [low, high] = type === 'u32' ? [0, 2 ** 32 - 1] : [-(2 ** 31), 2 ** 31 - 1];
    return (a) => (Number.isNaN(a) ? 0 : Math.min(high, Math.max(low, Math.trunc(a))));
  }
  if (type !== 'f32') {
    const integer = integerOps[op];
    if (!integer) throw new Error(`no operation on integers is called ${op}`);
    return type === 'bool' ? integer : (a, b) => fromBits(integer(a, b), type);
  }
  // Products of float32 numbers are exact here.
  const fma = isFused
    ? (a: number, b: number, c: number) => a * b + c
    : (a: number, b: number, c: number) => Math.fround(a * b) + c;
  const exact = op === 'fma' ? fma : floatOps[op];
  if (!exact) throw new Error(`no operation on floats is called ${op}`);
  if (!flushes) return (a, b, c) => Math.fround(exact(a, b, c));
  return (a, b, c) => {
    const result = Math.fround(exact(a, b, c));
    return Math.abs(result) < 2 ** -126 ? 0 * result : result;
  };
}

/** Makes nodes; operations on numbers alone are done at once. */
export class Graph {
  readonly #nodes = new Map<string, Node>();

  number(type: Type, value: number): Node {
    return this.#node('number', type, [], type === 'f32' ? Math.fround(value) : value);
  }

  /** What a formula is given, by its place. */
  given(type: Type, place: number): Node {
    return this.#node('given', type, [], place);
  }

  make(op: string, type: Type, ...args: readonly Node[]): Node {
    const node = this.#node(op, type, args, 0);
    if (args.length === 0 || args.some((arg) => arg.op !== 'number')) return node;
    const [a = 0, b = 0, c = 0] = args.map(({ value }) => value);
    return this.number(type, operationOf(node, { isFused: false, flushes: false })(a, b, c));
  }

  #node(op: string, type: Type, args: readonly Node[], value: number): Node {
    const sign = Object.is(value, -0) ? '-' : '';
    const key = `${op} ${type} ${args.map(({ id }) => id)} ${sign}${value}`;
    let node = this.#nodes.get(key);
    if (!node) {
      node = { id: this.#nodes.size, op, type, args, value };
      this.#nodes.set(key, node);
    }
    return node;
  }
}

/** The values of a node, one for each of what is given. */
export function evaluate(
  root: Node,
  unit: Unit,
  given: readonly ArrayLike<number>[],
): Float64Array {
  const { length } = given[0] as ArrayLike<number>;
  const known = new Map<Node, Float64Array>();
  const valuesOf = (node: Node): Float64Array => {
    const have = known.get(node);
    if (have) return have;
    const values = new Float64Array(length);
    if (node.op === 'number') values.fill(node.value);
    else if (node.op === 'given') values.set(given[node.value] as ArrayLike<number>);
    else {
      const [a, b = a, c = a] = node.args.map(valuesOf) as [Float64Array, ...Float64Array[]];
      const operation = operationOf(node, unit);
      for (let i = 0; i < length; i++) {
        values[i] = operation(a[i] as number, b[i] as number, c[i] as number);
      }
    }
    known.set(node, values);
    return values;
  };
  return valuesOf(root);
}

/** How often each node below `roots` is used, the roots once more. */
export function usesOf(roots: readonly Node[]): ReadonlyMap<Node, number> {
  const uses = new Map<Node, number>();
  const visit = (node: Node): void => {
    const before = uses.get(node) ?? 0;
    uses.set(node, before + 1);
    if (before === 0) node.args.forEach(visit);
  };
  roots.forEach(visit);
  return uses;
}
