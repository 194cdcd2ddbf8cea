// Numbers for classes, from their names.
import { UNKNOWN_CLASS } from '../../constants.ts';

/** A whole number as pandas writes it beside missing ones, 1.0, or numpy.savetxt, 1.000e+00. */
const WHOLE = /^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/;

/** What tells a class from another: 1 and 1.0 are one, and so is é of one character or two. */
export const keyOf = (written: string): string => {
  const text = written.normalize('NFC');
  if (!/[.eE]/.test(text) || !WHOLE.test(text)) return text;
  const value = Number(text);
  return Number.isSafeInteger(value) ? String(value) : text;
};

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
  const keys = new Map([...new Set(texts)].map((text) => [text, keyOf(text)]));
  const before = new Set(numbered.map(keyOf));
  const others = [...new Set(keys.values())]
    .filter((key) => key !== '' && !before.has(key))
    .sort(byName);
  const classes = [...numbered, ...others];
  const indices = new Map(classes.map((text, index) => [keyOf(text), index]));
  const labels = Uint32Array.from(
    texts,
    (text) => indices.get(keys.get(text) as string) ?? UNKNOWN_CLASS,
  );
  return { labels, classes };
}
