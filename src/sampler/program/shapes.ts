// The extents of each node, by the rule of its op: whoever reads a program knows that they fit.
import { sizeOf as product } from '../network.ts';
import { FUNCTIONS } from './functions.ts';

/** -k stands for k times the rows that are computed at once. */
export type Shape = readonly number[];

const same = (a: Shape, b: Shape) => a.length === b.length && a.every((n, i) => n === b[i]);

/** Multiples of the rows: how often, and of what. */
const sizeOf = (shape: Shape) =>
  [shape.filter((n) => n < 0).length, Math.abs(product(shape))].join();

/** @throws what is no whole number where one is asked for, and what does not fit */
export function fits(isTrue: unknown): asserts isTrue {
  if (!isTrue) throw new TypeError('its operands do not fit');
}

function broadcast(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const own = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const extent = own.find((n) => n !== 1) ?? 1;
    fits(own.every((n) => n === 1 || n === extent));
    return extent;
  });
}

export const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

type Rule = (shapes: readonly Shape[], rest: readonly never[]) => Shape;

const reduced: Rule = ([x], [axes]: readonly Shape[]) => {
  fits(axes!.every((axis) => axis in x!));
  return x!.map((n, i) => (axes!.includes(i) ? 1 : n));
};

/** Extents of images, [B, H, W, C], and a window's numbers. */
function images(x: Shape, window: Shape): void {
  fits(x.length === 4 && window.length === 8 && x.slice(1).every((n) => n > 0));
  fits(window.every((n, i) => (i === 4 || i === 5 ? n > -4096 : n > 0)));
}

const recurrent =
  (gates: number, parts: number): Rule =>
  ([x, w, bias, start]) => {
    const [batch, steps, width] = x!;
    const hidden = w![1]!;
    fits(x!.length === 3 && w!.length === 2 && hidden > 0 && steps! > 0);
    fits(width === gates * hidden && w![0] === width && same(bias!, [width]));
    fits(same(start!, [batch!, parts * hidden]));
    return [batch!, steps! + 1, parts * hidden];
  };

export const RULES: Readonly<Record<string, Rule>> = {
  c: () => [],
  w: (_, [, shape]) => {
    const own: Shape = shape!;
    fits(own.every((n) => n > 0));
    return own;
  },
  in: (_, [, shape]) => shape!,
  noise: (_, [, shape]) => {
    // Rows come first: each has noise of its own.
    const own: Shape = shape!;
    fits(own.find((n) => n !== 1)! < 0);
    return own;
  },
  state: (_, [shape]) => shape!,
  reshape: ([x], [shape]) => {
    fits(sizeOf(x!) === sizeOf(shape!));
    return shape!;
  },
  expand: ([x], [shape]) => {
    fits(same(broadcast([x!, shape!]), shape!));
    return shape!;
  },
  transpose: ([x], [order]: readonly Shape[]) => {
    fits(order!.length === x!.length && x!.every((_, i) => order!.includes(i)));
    return order!.map((axis) => x![axis]!);
  },
  slice: ([x], [axis, start, end]: readonly number[]) => {
    const extent = x![axis!]!;
    // From a multiple of the rows to another, or from a number to another.
    const [from, to, all] = extent < 0 ? [-start!, -end!, -extent] : [start!, end!, extent];
    fits(from >= 0 && to > from && to <= all);
    return x!.map((n, i) => (i === axis ? end! - start! : n));
  },
  concat: (parts, [axis]: readonly number[]) => {
    const own = parts.map((part) => part[axis!]!);
    fits(own.every((n) => n * own[0]! > 0));
    const others = (part: Shape) => part.map((n, i) => (i === axis ? 1 : n));
    fits(parts.every((part) => same(others(part), others(parts[0]!))));
    return parts[0]!.map((n, i) => (i === axis ? own.reduce((a, b) => a + b) : n));
  },
  linear: ([x, w]) => {
    fits(x!.length > 1 && w!.length > 1 && x!.at(-1) === w!.at(-1) && x!.at(-1)! > 0);
    // A matrix for all, or one for each.
    fits(w!.length === 2 || same(w!.slice(0, -2), x!.slice(0, -2)));
    return [...x!.slice(0, -1), w!.at(-2)!];
  },
  sum: reduced,
  max: reduced,
  logSumExp: reduced,
  gather: ([table, index]) => {
    fits(table!.length === 2 && index!.length === 1);
    return [index![0]!, table![1]!];
  },
  pick: ([x, index]) => {
    fits(index!.length === 1 && index![0] === x!.at(-1));
    return x!;
  },
  patches: ([x], [window]: readonly Shape[]) => {
    images(x!, window!);
    return [x![0]!, window![6]!, window![7]!, window![0]! * window![1]! * x![3]!];
  },
  overlap: ([y], [window]: readonly Shape[]) => {
    images(y!, window!);
    const channels = y![3]! / (window![0]! * window![1]!);
    fits(Number.isInteger(channels));
    return [y![0]!, window![6]!, window![7]!, channels];
  },
  solve: ([y, w]) => {
    const channels = y!.at(-1)!;
    fits(y!.length === 4 && w!.length === 4 && w![1]! % 2 === 1);
    fits(same(w!, [channels, w![1]!, w![1]!, channels]));
    return y!;
  },
  gru: recurrent(3, 1),
  lstm: recurrent(4, 2),
  assign: ([state, value]) => {
    fits(same(state!, value!));
    return [];
  },
  scatter: ([state, index, rows]) => {
    fits(state!.length === 2 && same(rows!, [index!.at(0)!, state![1]!]));
    return [];
  },
  ...Object.fromEntries(
    Object.entries(FUNCTIONS).map(([name, f]): [string, Rule] => [
      name,
      (shapes) => {
        fits(shapes.length === f.length);
        return broadcast(shapes);
      },
    ]),
  ),
};
