// Words of a table as features: one-hot codes in the place of their numbers.
import type { Category } from '../categories.ts';
import type { CsvTable } from '../formats/csv.ts';

type Numbers = Pick<CsvTable, 'names' | 'rows' | 'columns' | 'values'>;

/**
 * A table with a feature for each word of its columns of words, called `column=word`: 1 in the rows that hold it, 0 in
 * all others, and NaN where the word is missing.
 *
 * @param words as the table has them
 */
export function withCategories(
  { names, rows, columns, values }: Numbers,
  words: CsvTable['words'],
): Pick<CsvTable, 'names' | 'values'> & { readonly categories: readonly Category[] } {
  if (words.length === 0) return { names, values, categories: [] };
  const wordsAt = new Map(words.map((each) => [each.place, each]));
  const headings: string[] = [];
  const categories: Category[] = [];
  let width = 0;
  const starts = Array.from({ length: columns }, (_, place) => {
    const start = width;
    const found = wordsAt.get(place);
    if (!found) headings.push(names?.[place] ?? '');
    else {
      const { column, levels } = found;
      categories.push({ column, at: start, levels });
      headings.push(...levels.map((word) => `${column}=${word}`));
    }
    width += found?.levels.length ?? 1;
    return start;
  });
  const wide = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let place = 0; place < columns; place++) {
      const value = values[row * columns + place] as number;
      const at = row * width + (starts[place] as number);
      const levels = wordsAt.get(place)?.levels;
      if (!levels) wide[at] = value;
      else if (Number.isNaN(value)) wide.fill(Number.NaN, at, at + levels.length);
      else wide[at + value] = 1;
    }
  }
  return { names: names && headings, values: wide, categories };
}
