// How WGSL's types lie in memory: sizes, alignments and offsets as the specification has them (14.4).
import type { Layout, Scalar } from '../layout.ts';
import type { Evaluator } from './evaluate.ts';
import type { Expression } from './expression.ts';
import type { Attribute, Struct } from './module.ts';
import { nameOf, resolved } from './names.ts';

const LETTERS: Record<string, Scalar> = { f: 'f32', i: 'i32', u: 'u32', h: 'f16' };
const WIDTHS: Record<Scalar, number> = { f32: 4, i32: 4, u32: 4, f16: 2 };

const roundUp = (to: number, n: number) => Math.ceil(n / to) * to;

/** What naga, the compiler of Firefox and Deno, lays out otherwise than WGSL says: a member's offset or a structure's size. */
export interface Misplaced {
  readonly kind: 'offset' | 'size';
  /** `Outer.member`, with whose own `@align` both agree. */
  readonly name: string;
  readonly line: number;
  readonly bytes: number;
  readonly nagaBytes: number;
  readonly align: number;
}

interface Placed {
  readonly layout: Layout;
  readonly align: number;
  /** Without what an `@align` inside a structure asks for: naga does not see it from outside. */
  readonly nagaAlign: number;
  readonly misplaced: readonly Misplaced[];
  /** Of a structure: what goes wrong behind it, where something lies there. */
  readonly short?: Misplaced;
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

/** What goes wrong in a type where something lies behind it. */
const within = ({ misplaced, short }: Placed): readonly Misplaced[] =>
  short ? [...misplaced, short] : misplaced;

function structure(declared: Struct, module: Evaluator): Placed {
  let end = 0;
  let whole = 1;
  let nagaAlign = 1;
  /** The largest alignment that naga sees from inside, and the member that another is hidden in. */
  let nagaWhole = 1;
  let hidden: Pick<Misplaced, 'name' | 'line'> | undefined;
  const misplaced: Misplaced[] = [];
  const members = declared.members.map(({ name, line, attributes, type }) => {
    const inner = place(type, module);
    const { layout } = inner;
    const asked = numberOf(attributes, 'align', module);
    const aligned = asked ?? inner.align;
    const nagaAligned = asked ?? inner.nagaAlign;
    const bytes = roundUp(aligned, end);
    const nagaBytes = roundUp(nagaAligned, end);
    const member = { name: `${declared.name}.${name}`, line };
    misplaced.push(...within(inner));
    if (bytes !== nagaBytes) {
      misplaced.push({ ...member, kind: 'offset', bytes, nagaBytes, align: aligned });
    }
    nagaAlign = Math.max(nagaAlign, inner.nagaAlign);
    nagaWhole = Math.max(nagaWhole, nagaAligned);
    if (aligned > whole) hidden = member;
    whole = Math.max(whole, aligned);
    end = bytes + (numberOf(attributes, 'size', module) ?? layout.size);
    return { name, offset: bytes, layout };
  });
  const size = roundUp(whole, end);
  const nagaSize = roundUp(nagaWhole, end);
  return {
    layout: { kind: 'struct', name: declared.name, members, align: whole, size },
    align: whole,
    nagaAlign,
    misplaced,
    ...(hidden &&
      size !== nagaSize && {
        short: { ...hidden, kind: 'size', bytes: size, nagaBytes: nagaSize, align: whole },
      }),
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
    const layout = { kind: 'array', name, element, count, stride, size: count * stride } as const;
    return { layout, align, nagaAlign: inner.nagaAlign, misplaced: within(inner) };
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
