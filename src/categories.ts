// Columns of words among the features of a table: each word of such a column is a feature of its own, 1 in the rows
// that hold it and 0 in all others.
export interface Category {
  /** What the column is called in the table: its heading, or where there are none its number among the features, from 1. */
  readonly column: string;
  /** The feature of its first level; the others follow it. */
  readonly at: number;
  /** Its words, in the order of their features. */
  readonly levels: readonly string[];
}

export const CATEGORIES_RULE =
  'must be a list of {"column": "job", "at": 1, "levels": ["cook", "nurse"]}, each with a feature a level from `at` on, in their order; no column and no level of one comes twice';

/** Whether a value is categories of rows of so many features. */
export function isCategories(value: unknown, features: number): value is Category[] {
  if (!Array.isArray(value)) return false;
  const columns = new Set<unknown>();
  let end = 0;
  return value.every((each: Partial<Record<keyof Category, unknown>> | null) => {
    const { column, at, levels } = each ?? {};
    if (typeof column !== 'string' || columns.size === columns.add(column).size) return false;
    if (!Array.isArray(levels) || levels.length === 0) return false;
    if (!levels.every((word) => typeof word === 'string')) return false;
    if (new Set(levels).size < levels.length) return false;
    const fits = Number.isSafeInteger(at) && Number(at) >= end;
    end = Number(at) + levels.length;
    return fits && end <= features;
  });
}

/** The features of a category. */
export const placesOf = ({ at, levels }: Category): number[] => levels.map((_, k) => at + k);

/**
 * A row of a table as runs of features: a column of numbers is one feature, a column of words a category.
 *
 * @param features of a row, D
 * @example columnsOf(3, [{ column: 'sex', at: 1, levels: ['f', 'm'] }]) // 0, then the category
 */
export function columnsOf(
  features: number,
  categories: readonly Category[] = [],
): (number | Category)[] {
  const starts = new Map(categories.map((each) => [each.at, each]));
  const columns: (number | Category)[] = [];
  for (let at = 0; at < features; ) {
    const category = starts.get(at);
    columns.push(category ?? at);
    at += category?.levels.length ?? 1;
  }
  return columns;
}

/** Headings of a table whose features are called so. */
export const headingsOf = (
  features: readonly string[],
  categories: readonly Category[] | undefined,
): string[] =>
  columnsOf(features.length, categories).map((each) =>
    typeof each === 'number' ? (features[each] as string) : each.column,
  );

/** The likeliest level of a category, of a row of features that begins at `start`. */
export function levelOf(rows: ArrayLike<number>, start: number, category: Category): string {
  const places = placesOf(category).map((place) => start + place);
  const value = (place: number) => rows[place] as number;
  const most = places.reduce((best, place) => (value(place) > value(best) ? place : best));
  return category.levels[most - start - category.at] as string;
}

/** A data point's extents for people: of a table's rows with words, its columns and the features that these are. */
export function extentsText(
  shape: readonly number[],
  categories: readonly Category[] | undefined,
): string {
  const [features = 0] = shape;
  if (!categories) return `[${shape.join(', ')}]`;
  const text = columnsText(features, categories);
  return categories.length > 0 ? `${text} (${features} features)` : text;
}

/** `5 columns`. */
export function columnsText(features: number, categories?: readonly Category[]): string {
  const count = columnsOf(features, categories).length;
  return `${count} ${count === 1 ? 'column' : 'columns'}`;
}
