// What a built-in function is to the evaluation of constants, and what such functions have in common.
import { common, map, type Scalar, scalar, Unknown, type Value, zip } from './values.ts';

/** What stands between `<` and `>`: an element's type in its shortest form, how many. */
export interface Template {
  readonly of?: string;
  readonly count?: number;
}

export type Builtin = (args: readonly Value[], template: Template) => Value;

/** @throws Unknown for another number of arguments */
export function only(args: readonly Value[], count: number): void {
  if (args.length !== count) throw new Unknown('another number of arguments');
}

/** With literals of integers as the real numbers that the function is of. */
export const ofReals =
  (work: Builtin): Builtin =>
  (args, template) =>
    work(
      args.map((arg) => map(arg, (x) => (x.type === 'int' ? scalar('float', x.value) : x))),
      template,
    );

/** Of a number, or of every number of a vector. */
export const unary =
  (work: (x: number, type: Scalar) => number): Builtin =>
  (args) => {
    only(args, 1);
    return map(args[0] as Value, ({ type, value }) => scalar(type, work(value, type)));
  };

/** Of a number whose result is no whole one. */
export const real = (work: (x: number) => number): Builtin => ofReals(unary(work));

/** Of two numbers, or of two vectors number by number. A literal takes the other's type. */
export const binary =
  (work: (x: number, y: number) => number): Builtin =>
  (args) => {
    only(args, 2);
    return zip(args[0] as Value, args[1] as Value, (a, b) =>
      scalar(common(a.type, b.type), work(a.value, b.value)),
    );
  };

export const product = binary((x, y) => x * y);
export const sum = binary((x, y) => x + y);
export const difference = binary((x, y) => x - y);
export const quotient = binary((x, y) => x / y);
