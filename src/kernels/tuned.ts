// What is known of the fastest variants on an adapter: a plain table, so that planning with it stays
// a function of its inputs.

/** The name of a variant for each class of kernels that was measured. */
export type TunedTable = Readonly<Record<string, string>>;

/** Steps from one power of two to the next. */
const STEPS = 4;

/**
 * Extents of one class differ by a quarter at most: up to 8 each is its own, from there on they are
 * rounded up to one of four steps from power of two to power of two.
 */
export function extentClass(extent: number): number {
  if (extent <= 2 * STEPS) return extent;
  const step = 2 ** Math.floor(Math.log2(extent - 1)) / STEPS;
  return Math.ceil(extent / step) * step;
}

/** Operations on an element, to the next power of two: what is long keeps others waiting less. */
export function densityClass(operations: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, operations)));
}

/** What the table says of a class, if that is one of the variants there are. */
export function tunedVariant(
  table: TunedTable | undefined,
  key: string,
  variants: readonly string[],
): string | undefined {
  const name = table && Object.hasOwn(table, key) ? table[key] : undefined;
  return name !== undefined && variants.includes(name) ? name : undefined;
}

export function sameTable(a: TunedTable, b: TunedTable): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
