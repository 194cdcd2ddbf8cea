// How WGSL's types lie in memory: sizes, alignments and offsets as the specification has them (14.4).
import type { Layout, Scalar } from '../layout.ts';
import type { Evaluator } from './evaluate.ts';
import type { Expression } from './expression.ts';
import type { Attribute, Struct } from './module.ts';

const LETTERS: Record<string, Scalar> = { f: 'f32', i: 'i32', u: 'u32', h: 'f16' };
const SHORT: Record<string, string> = { f32: 'f', i32: 'i', u32: 'u', f16: 'h', bool: 'b' };
const WIDTHS: Record<Scalar, number> = { f32: 4, i32: 4, u32: 4, f16: 2 };

const roundUp = (to: number, n: number) => Math.ceil(n / to) * to;

type Name = Expression & { kind: 'name' };

/** The type that an expression names, through aliases. */
function resolved(type: Expression, module: Evaluator): Name {
  if (type.kind !== 'name') throw new Error('an expression in the place of a type');
  const declared = module.declaration(type.name);
  return declared?.kind === 'alias' ? resolved(declared.type, module) : type;
}

/** A type as WGSL writes it, in its shortest form: `vec4f`, `array<vec4f, 6>`, `texture_2d<f32>`. */
export function nameOf(type: Expression, module: Evaluator): string {
  if (type.kind !== 'name' || type.args) return String(module.number(type));
  const { name, template = [] } = resolved(type, module);
  const declared = module.declaration(name);
  if (declared?.kind === 'const' || declared?.kind === 'override') {
    return String(module.number({ kind: 'name', name }));
  }
  const parts = template.map((part) => nameOf(part, module));
  const letter = SHORT[parts[0] ?? ''];
  if (letter && /^(vec|mat\dx)\d$/.test(name)) return name + letter;
  return parts.length > 0 ? `${name}<${parts.join(', ')}>` : name;
}

/** A member of a structure that naga, the compiler of Firefox and Deno, puts elsewhere than WGSL says. */
export interface Misplaced {
  /** `Outer.member` */
  readonly name: string;
  readonly line: number;
  readonly offset: number;
  readonly nagaOffset: number;
  readonly align: number;
}

interface Placed {
  readonly layout: Layout;
  readonly align: number;
  /** Without what an `@align` inside a structure asks for: naga does not see it from outside. */
  readonly nagaAlign: number;
  readonly misplaced: readonly Misplaced[];
}

function numbers(name: string, scalar: Scalar, columns: number, rows: number): Placed {
  const width = WIDTHS[scalar];
  const align = width * (rows === 3 ? 4 : rows);
  // A column of three takes the room of four.
  const stride = columns > 1 ? align : width * rows;
  const size = columns * stride;
  const layout = { kind: 'numbers', name, scalar, columns, rows, stride, size } as const;
  return { layout, align, nagaAlign: align, misplaced: [] };
}

function numberOf(
  attributes: readonly Attribute[],
  name: string,
  module: Evaluator,
): number | undefined {
  const [argument] = attributes.find((each) => each.name === name)?.args ?? [];
  return argument && module.number(argument);
}

function structure(declared: Struct, module: Evaluator): Placed {
  let end = 0;
  let whole = 1;
  let nagaAlign = 1;
  const misplaced: Misplaced[] = [];
  const members = declared.members.map(({ name, line, attributes, type }) => {
    const inner = place(type, module);
    const { layout } = inner;
    const asked = numberOf(attributes, 'align', module);
    const aligned = asked ?? inner.align;
    const offset = roundUp(aligned, end);
    const nagaOffset = roundUp(asked ?? inner.nagaAlign, end);
    misplaced.push(...inner.misplaced);
    if (offset !== nagaOffset) {
      misplaced.push({
        name: `${declared.name}.${name}`,
        line,
        offset,
        nagaOffset,
        align: aligned,
      });
    }
    nagaAlign = Math.max(nagaAlign, inner.nagaAlign);
    end = offset + (numberOf(attributes, 'size', module) ?? layout.size);
    whole = Math.max(whole, aligned);
    return { name, offset, layout };
  });
  const size = roundUp(whole, end);
  return {
    layout: { kind: 'struct', name: declared.name, members, align: whole, size },
    align: whole,
    nagaAlign,
    misplaced,
  };
}

function place(type: Expression, module: Evaluator): Placed {
  const found = resolved(type, module);
  const declared = module.declaration(found.name);
  if (declared?.kind === 'struct') return structure(declared, module);
  const [first, second] = found.template ?? [];
  if (found.name === 'array' && first) {
    const inner = place(first, module);
    const { layout: element, align } = inner;
    const count = second ? module.number(second) : 0;
    const stride = roundUp(align, element.size);
    const name = nameOf(found, module);
    return {
      ...inner,
      layout: { kind: 'array', name, element, count, stride, size: count * stride },
    };
  }
  if (found.name === 'atomic' && first) {
    const inner = place(first, module);
    return { ...inner, layout: { ...inner.layout, name: nameOf(found, module) } };
  }
  const name = nameOf(found, module);
  if (Object.hasOwn(WIDTHS, name)) return numbers(name, name as Scalar, 1, 1);
  const vector = /^vec([234])([fiuh])$/.exec(name);
  if (vector) return numbers(name, LETTERS[vector[2] as string] as Scalar, 1, Number(vector[1]));
  const matrix = /^mat([234])x([234])([fh])$/.exec(name);
  if (matrix) {
    const [, columns, rows, letter] = matrix;
    return numbers(name, LETTERS[letter as string] as Scalar, Number(columns), Number(rows));
  }
  throw new Error(`a buffer cannot hold a ${name}`);
}

/** @throws Error for a type that cannot lie in a buffer, or that only a compiler can tell */
export function layoutOf(
  type: Expression,
  module: Evaluator,
): Pick<Placed, 'layout' | 'misplaced'> {
  return place(type, module);
}
