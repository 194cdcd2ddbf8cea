// Numbers for classes, from their names.
import { UNKNOWN_CLASS } from '../../constants.ts';

const { compare } = new Intl.Collator('en', { numeric: true });

/** By name, with the numbers in it as numbers: 2 before 10. */
export const byName = (a: string, b: string): number => compare(a, b) || (a < b ? -1 : 1);

/**
 * Numbers the classes in the order of their names.
 *
 * @param texts a class a row; an empty one is not known
 * @param numbered those that have numbers already, from 0: of another split of the same data
 */
export function classIndices(
  texts: readonly string[],
  numbered: readonly string[] = [],
): { labels: Uint32Array; classes: readonly string[] } {
  const before = new Set(numbered);
  const others = [...new Set(texts)]
    .filter((text) => text !== '' && !before.has(text))
    .sort(byName);
  const classes = [...numbered, ...others];
  const indices = new Map(classes.map((text, index) => [text, index]));
  return { labels: Uint32Array.from(texts, (text) => indices.get(text) ?? UNKNOWN_CLASS), classes };
}
