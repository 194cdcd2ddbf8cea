// Names that look alike: blanks, invisible characters and composed letters are written in several ways.

import type { LabelColumn, TableOptions } from './options.ts';

/** A name as people see it: letters composed (NFC), every run of white space one blank, nothing invisible. */
export const plain = (name: string): string =>
  name
    .normalize('NFC')
    .replace(/\p{Cf}/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();

/**
 * Cells in which those that look like a wanted name are that name.
 *
 * @example alike(['sepal\u00a0length', 'b'], ['sepal length']) // ['sepal length', 'b']
 */
export function alike(cells: readonly string[], names: readonly string[]): readonly string[] {
  const there = new Set(cells);
  const missing = names.filter((name) => !there.has(name));
  if (missing.length === 0) return cells;
  const known = new Set(names);
  const meant = new Map(missing.map((name) => [plain(name), name]));
  return cells.map((cell) => (known.has(cell) ? cell : (meant.get(plain(cell)) ?? cell)));
}

/** Headings that somebody asks for. */
export function wantedNames(options: TableOptions, labels: LabelColumn | undefined): string[] {
  const { expected = [], known = [], drop = [], columns = [] } = options;
  return [...expected, ...known, ...(labels ? [labels.name] : []), ...drop, ...columns];
}
