/** The graph of what a WGSL function computes, loops unrolled: functions as those of shaders/lib. */
import { type WgslNode, WgslParser } from 'wgsl_reflect/wgsl_reflect.module.js';
import { Graph, type Node, type Type } from './nodes.ts';

/** A scalar or a vector, or a structure. */
export type Value = readonly Node[] | { readonly [member: string]: Value };

interface Literal {
  readonly typeInfo: { readonly name: Type | 'x32' };
  readonly data: ArrayLike<number>;
}

const LANES = 'xyzw';
const types: Record<string, Type> = { f: 'f32', i: 'i32', u: 'u32' };

const lanesOf = (value: Value): readonly Node[] => {
  if (Array.isArray(value)) return value;
  throw new Error('a structure stands where a number or vector should');
};

/** `vec4f`, `vec4<f32>` and `f32` as a width and a type; undefined for a structure. */
function shapeOf(type: WgslNode): { width: number; scalar: Type } | undefined {
  const [, width, suffix] = /^vec([234])([fiu]?)$/.exec(type.name as string) ?? [];
  if (width === undefined) {
    return /^(f32|i32|u32|bool)$/.test(type.name as string)
      ? { width: 1, scalar: type.name as Type }
      : undefined;
  }
  return { width: Number(width), scalar: types[suffix as string] ?? (type.format?.name as Type) };
}

/** The parser reads hexadecimal floating-point numbers as 0. */
const decimal = (source: string) =>
  source.replace(/0x([\da-f]+)(?:\.([\da-f]*))?p([+-]?\d+)/gi, (_, whole, part = '', power) =>
    (Number.parseInt(whole + part, 16) * 2 ** (Number(power) - 4 * part.length)).toExponential(),
  );

export class Library {
  readonly graph = new Graph();
  readonly #functions = new Map<string, WgslNode>();
  readonly #structures = new Map<string, WgslNode>();
  readonly #constants = new Map<string, Value>();

  /** @param source WGSL without directives */
  constructor(source: string) {
    for (const node of new WgslParser().parse(decimal(source))) {
      const name = node.name as string;
      if (node.astNodeType === 'function') this.#functions.set(name, node);
      else if (node.astNodeType === 'struct') this.#structures.set(name, node);
      else if (node.astNodeType === 'const') {
        this.#constants.set(name, this.#expression(node.value as WgslNode, new Map()));
      }
    }
  }

  has(name: string): boolean {
    return this.#functions.has(name);
  }

  /** What a function returns. Its scalars and vectors are as wide as those given. */
  call(name: string, args: readonly Value[]): Value {
    const called = this.#functions.get(name);
    if (!called) throw new Error(`no function is called ${name}`);
    const scope = new Map(
      (called.args ?? []).map((arg, i) => [arg.name as string, args[i] as Value]),
    );
    const result = this.#run(called.body as readonly WgslNode[], scope);
    if (result === undefined) throw new Error(`${name} returns nothing`);
    return result;
  }

  /** The value returned, if the statements do. */
  #run(statements: readonly WgslNode[], scope: Map<string, Value>): Value | undefined {
    for (const statement of statements) {
      const value = () => this.#expression(statement.value as WgslNode, scope);
      switch (statement.astNodeType) {
        case 'let':
        case 'var':
          scope.set(statement.name as string, value());
          break;
        case 'assign': {
          const name = (statement.variable as WgslNode).name as string;
          const op = (statement.operator as string).slice(0, -1);
          const before = scope.get(name) as Value;
          scope.set(name, op === '' ? value() : this.#lanewise(op, [before, value()]));
          break;
        }
        case 'increment': {
          const name = (statement.variable as WgslNode).name as string;
          const [before] = lanesOf(scope.get(name) as Value) as [Node];
          const one = this.graph.number(before.type, 1);
          scope.set(
            name,
            this.#lanewise((statement.operator as string).slice(1), [[before], [one]]),
          );
          break;
        }
        case 'return':
          return value();
        case 'if': {
          // An early end of a loop saves time; all of its turns give the same.
          if ((statement.body as readonly WgslNode[])[0]?.astNodeType === 'break') break;
          if (!this.#holds(statement, scope)) break;
          const result = this.#run(statement.body as readonly WgslNode[], scope);
          if (result !== undefined) return result;
          break;
        }
        case 'for':
          this.#run([statement.init as WgslNode], scope);
          while (this.#holds(statement, scope)) {
            const result = this.#run(statement.body as readonly WgslNode[], scope);
            if (result !== undefined) return result;
            this.#run([statement.increment as WgslNode], scope);
          }
          break;
        default:
          throw new Error(`statements of kind ${statement.astNodeType} are not traced`);
      }
    }
    return undefined;
  }

  /** Whether a statement's condition is true, whatever is given. */
  #holds(statement: WgslNode, scope: ReadonlyMap<string, Value>): boolean {
    const [condition] = lanesOf(this.#expression(statement.condition as WgslNode, scope));
    if (condition?.op !== 'number') throw new Error('a branch is not known beforehand');
    return condition.value !== 0;
  }

  #expression(node: WgslNode, scope: ReadonlyMap<string, Value>): Value {
    const value = this.#unswizzled(node, scope);
    const postfix = node.postfix?.value as string | undefined;
    if (postfix === undefined) return value;
    if (!Array.isArray(value)) return (value as { [member: string]: Value })[postfix] as Value;
    return [...postfix].map((lane) => value[LANES.indexOf(lane)] as Node);
  }

  #unswizzled(node: WgslNode, scope: ReadonlyMap<string, Value>): Value {
    const part = (child: unknown) => this.#expression(child as WgslNode, scope);
    const { graph } = this;
    switch (node.astNodeType) {
      case 'literalExpr': {
        const { typeInfo, data } = node.value as Literal;
        // A whole number without a suffix has no type of its own yet.
        const type = typeInfo.name === 'x32' ? 'i32' : typeInfo.name;
        return [graph.number(type, data[0] as number)];
      }
      case 'varExpr':
      case 'constExpr':
        return (scope.get(node.name as string) ??
          this.#constants.get(node.name as string)) as Value;
      case 'bitcastExpr': {
        const { scalar } = shapeOf(node.type as WgslNode) as { scalar: Type };
        return lanesOf(part(node.value)).map((x) => graph.make('bitcast', scalar, x));
      }
      case 'unaryOp': {
        const op = node.operator === '-' ? 'negate' : 'not';
        return lanesOf(part(node.right)).map((x) => graph.make(op, x.type, x));
      }
      case 'binaryOp':
        return this.#lanewise(node.operator as string, [part(node.left), part(node.right)]);
      case 'createExpr':
        return this.#create(node, (node.args ?? []).map(part));
      case 'callExpr': {
        const args = (node.args ?? []).map(part);
        const name = node.name as string;
        if (this.#functions.has(name)) return this.call(name, args);
        return this.#structures.has(name)
          ? this.#structure(name, args)
          : this.#lanewise(name, args);
      }
      default:
        throw new Error(`expressions of kind ${node.astNodeType} are not traced`);
    }
  }

  #create(node: WgslNode, args: readonly Value[]): Value {
    const type = node.type as WgslNode;
    const shape = shapeOf(type);
    if (!shape) return this.#structure(type.name as string, args);
    const lanes = args
      .flatMap(lanesOf)
      .map((x) => (x.type === shape.scalar ? x : this.graph.make('convert', shape.scalar, x)));
    return lanes.length === 1 ? Array(shape.width).fill(lanes[0]) : lanes;
  }

  #structure(name: string, args: readonly Value[]): Value {
    const members = this.#structures.get(name)?.members ?? [];
    return Object.fromEntries(
      members.map((member, i) => [member.name as string, args[i] as Value]),
    );
  }

  /** A scalar meets every lane of a vector; a literal takes the type of what it meets. */
  #lanewise(op: string, args: readonly Value[]): Value {
    const operands = args.map(lanesOf);
    const width = Math.max(...operands.map(({ length }) => length));
    return Array.from({ length: width }, (_, i) => {
      const lanes = operands.map((lane) => (lane.length === 1 ? lane[0] : lane[i]) as Node);
      const own = lanes.find(({ op: kind }) => kind !== 'number')?.type ?? (lanes[0] as Node).type;
      const type = op === 'select' ? (lanes[0] as Node).type : own;
      const typed = lanes.map((x, k) =>
        x.op === 'number' && x.type !== type && !(op === 'select' && k === 2)
          ? this.graph.make('convert', type, x)
          : x,
      );
      return this.graph.make(op, /^[<>=!]=?$/.test(op) ? 'bool' : type, ...typed);
    });
  }
}
