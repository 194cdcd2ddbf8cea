// Python expressions with what binds them, so that no more brackets are written than are needed.

/** How tightly the outermost operator binds: the larger, the tighter. */
export const BINDS = { compare: 0, sum: 1, product: 2, sign: 3, atom: 4 } as const;

export interface Expression {
  readonly text: string;
  readonly binds: number;
}

export const atom = (text: string): Expression => ({ text, binds: BINDS.atom });

/** In brackets, unless it binds as tightly as asked. */
export const within = ({ text, binds }: Expression, least: number): string =>
  binds >= least ? text : `(${text})`;

export const call = (name: string, ...given: readonly string[]): Expression =>
  atom(`${name}(${given.join(', ')})`);

/** `x.name(…)`. */
export const method = (x: Expression, name: string, ...given: readonly string[]): Expression =>
  atom(
    `${/^-?[\d.]/.test(x.text) ? `(${x.text})` : within(x, BINDS.atom)}.${name}(${given.join(', ')})`,
  );

/** Of one operator to the left: `a - (b - c)`. */
export function infix(a: Expression, sign: string, b: Expression, binds: number): Expression {
  return { text: `${within(a, binds)} ${sign} ${within(b, binds + 1)}`, binds };
}

export const negated = (x: Expression): Expression => ({
  text: `-${within(x, BINDS.sign)}`,
  binds: BINDS.sign,
});

/** A number as Python writes it. */
export function numeral(value: number): Expression {
  const text = Number.isFinite(value) ? String(value) : `float("${value > 0 ? '' : '-'}inf")`;
  return { text, binds: value < 0 ? BINDS.sign : BINDS.atom };
}

export const tuple = (items: readonly (string | number)[]): string =>
  `(${items.join(', ')}${items.length === 1 ? ',' : ''})`;
