// Products of vectors and matrices, and WGSL's built-in functions of geometry.
import {
  type Builtin,
  difference,
  ofReals,
  only,
  product,
  quotient,
  real,
  sum,
} from './builtin.ts';
import { flat, numberOf, scalar, Unknown, type Value } from './values.ts';

const parts = (value: Value): readonly Value[] => {
  if (!('parts' in value)) throw new Unknown('a number in the place of several');
  return value.parts;
};

export const isMatrix = (value: Value): boolean =>
  'parts' in value && 'parts' in (value.parts[0] ?? {});

const add = (a: Value, b: Value) => sum([a, b], {});
const multiply = (a: Value, b: Value) => product([a, b], {});

function dotOf(a: Value, b: Value): Value {
  return flat(multiply(a, b)).reduce<Value>((whole, each) => add(whole, each), scalar('int', 0));
}

/** Columns become rows. */
function transposed(matrix: Value): Value {
  const columns = parts(matrix).map(parts);
  return {
    parts: (columns[0] ?? []).map((_, row) => ({
      parts: columns.map((column) => column[row] as Value),
    })),
  };
}

/** A matrix by a vector: its columns, weighed. */
function weighed(matrix: Value, vector: Value): Value {
  const columns = parts(matrix);
  const weights = parts(vector);
  if (columns.length !== weights.length) throw new Unknown('a product of sizes that do not fit');
  return columns.map((column, i) => multiply(column, weights[i] as Value)).reduce(add);
}

/** A product in which a matrix is: with another, with a vector on either side, or with a number. */
export function matrixProduct(a: Value, b: Value): Value {
  if (!('parts' in a && 'parts' in b)) return multiply(a, b);
  if (!isMatrix(a)) return weighed(transposed(b), a);
  if (!isMatrix(b)) return weighed(a, b);
  return { parts: parts(b).map((column) => weighed(a, column)) };
}

/** By the first column, downwards. */
function determinantOf(columns: readonly (readonly number[])[]): number {
  const [first, ...others] = columns;
  if (!first) return 1;
  return first.reduce((whole, each, row) => {
    const minor = others.map((column) => column.filter((_, i) => i !== row));
    return whole + (row % 2 ? -1 : 1) * each * determinantOf(minor);
  }, 0);
}

const determinant: Builtin = (args) => {
  only(args, 1);
  const columns = parts(args[0] as Value).map(flat);
  const type = columns[0]?.[0]?.type ?? 'float';
  return scalar(type, determinantOf(columns.map((column) => column.map(({ value }) => value))));
};

const length: Builtin = (args, template) => {
  only(args, 1);
  const [of] = args as [Value];
  return real(Math.sqrt)([dotOf(of, of)], template);
};

const cross: Builtin = (args, template) => {
  only(args, 2);
  const [a, b] = args.map(parts) as [readonly Value[], readonly Value[]];
  if (a.length !== 3 || b.length !== 3) throw new Unknown('a cross product of other than three');
  const at = (of: readonly Value[], i: number) => of[i % 3] as Value;
  return {
    parts: [0, 1, 2].map((i) =>
      difference(
        [multiply(at(a, i + 1), at(b, i + 2)), multiply(at(a, i + 2), at(b, i + 1))],
        template,
      ),
    ),
  };
};

const float = (x: number) => scalar('float', x);

/** e1 - 2 (e2·e1) e2 */
const reflect: Builtin = (args, template) => {
  only(args, 2);
  const [way, normal] = args as [Value, Value];
  return difference([way, multiply(multiply(float(2), dotOf(normal, way)), normal)], template);
};

/** By Snell's law; zeros where all is reflected. */
const refract: Builtin = (args, template) => {
  only(args, 3);
  const [way, normal, ratio] = args as [Value, Value, Value];
  const across = dotOf(normal, way);
  const [eta, cosine] = [numberOf(ratio), numberOf(across)];
  const k = 1 - eta * eta * (1 - cosine * cosine);
  if (k < 0) return multiply(float(0), way);
  const along = add(multiply(ratio, across), float(Math.sqrt(k)));
  return difference([multiply(ratio, way), multiply(along, normal)], template);
};

export const linear: Readonly<Record<string, Builtin>> = {
  dot: (args) => {
    only(args, 2);
    return dotOf(args[0] as Value, args[1] as Value);
  },
  cross: ofReals(cross),
  length: ofReals(length),
  distance: ofReals((args, template) => length([difference(args, template)], template)),
  normalize: ofReals((args, template) =>
    quotient([args[0] as Value, length(args, template)], template),
  ),
  faceForward: ofReals((args) => {
    only(args, 3);
    const [of, way, normal] = args as [Value, Value, Value];
    return multiply(float(numberOf(dotOf(way, normal)) < 0 ? 1 : -1), of);
  }),
  reflect: ofReals(reflect),
  refract: ofReals(refract),
  determinant: ofReals(determinant),
  transpose: (args) => {
    only(args, 1);
    return transposed(args[0] as Value);
  },
};
