// Tables as JSON: records of names and values, one a line (JSON Lines) or in a list, or columns of values.
import { LatentGpuError } from '../errors.ts';
import { recordsOf } from './json-table.ts';
import { quote } from './message.ts';
import { alike, wantedNames } from './table/alike.ts';
import type { CsvTable } from './table/csv-table.ts';
import { utf8Of } from './table/encoding.ts';
import { SAMPLE } from './table/first-row.ts';
import { layoutOf } from './table/layout.ts';
import { Lists, mayBeWanted } from './table/lists.ts';
import type { Cell } from './table/number.ts';
import type { LabelColumn, TableOptions } from './table/options.ts';
import { TableRows } from './table/rows.ts';

/** No string is longer in any engine. */
const LONGEST = 2 ** 28;

/**
 * Reads a table of JSON: a record a line, a list of records or of rows, or an object of columns, as pandas'
 * `to_json` writes it unless told otherwise. A value that is null or not there is a cell that is empty; one that is a
 * list of numbers, as long in every row, is as many cells.
 *
 * @param name what to call the file in errors
 * @param labels a column that is no feature
 * @throws LatentGpuError `bad-format` for what is no JSON or no table, a nested value, or a cell that is no
 *   number; as `readCsv` for columns
 */
export function readRecords(
  bytes: Uint8Array,
  name = 'JSON file',
  labels?: LabelColumn,
  options: TableOptions = {},
): CsvTable {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (bytes.length > LONGEST) {
    throw bad(
      `has ${Math.round(bytes.length / 2 ** 20)} MiB of JSON, more than is read; save it as .csv or .parquet`,
    );
  }
  const { encoding, hints } = options;
  const choice = {
    ...(encoding !== undefined && { encoding }),
    ...(hints?.encoding !== undefined && { otherEncoding: hints.encoding }),
  };
  const text = new TextDecoder().decode(utf8Of(bytes, choice, bad));
  const { names, width, rows, unit, remark } = recordsOf(text, bad);
  const isWanted = mayBeWanted(names, width, name, options);
  const lists = new Lists({
    names,
    first: Array.from({ length: width }, (_, j) =>
      isWanted(j) ? rows.find(({ cells }) => isGiven(cells[j]))?.cells[j] : undefined,
    ),
  });
  const headings = lists.headings && alike(lists.headings, wantedNames(options, labels));
  const columns = lists.columns(headings, name);
  const layout = layoutOf(columns, options, labels, false);
  const used = [...layout.features, ...layout.unnamed, layout.label].filter((j) => j >= 0);
  // Of each stored column, one of those that are made of it.
  const needed = new Map(used.map((j) => [lists.stored[j] as number, j]));
  const table = rows.map(({ at, cells }) => {
    const row: Cell[] = Array<Cell>(lists.width).fill('');
    for (const [stored, j] of needed) {
      const value = cells[stored];
      const where = lists.isOfLists(stored)
        ? `column ${stored + 1}${names ? ` (${quote(names[stored] as string)})` : ''}`
        : columns.describe(j);
      const badIn = (why: string) => bad(`${unit} ${at}, ${where} ${why}`);
      if (!lists.isOfLists(stored) && typeof value === 'object' && value !== null) {
        throw badIn(
          `is nested (${quote(JSON.stringify(value))}), and no cell of a table; leave the column out with --drop ${columns.argument(j)}`,
        );
      }
      lists.fill(row, stored, value, cellOf, badIn);
    }
    return { at, row };
  });
  const first = table.slice(0, SAMPLE).map(({ at, row }) => ({ line: at, cells: row.map(String) }));
  const extents = lists.imageOf(layout.features);
  const source = {
    ...{ size: 2 * rows.length * lists.width, delimiter: ',', name, labels, options, unit },
    isOfImages: extents !== undefined,
  };
  const all = new TableRows(source, columns, layout, first);
  for (const { at, row } of table) all.add(row, at);
  const found = all.finish({ first: remark ? [remark] : [], comments: [] });
  return extents ? { ...found, image: { extents, isOfBytes: false } } : found;
}

const isGiven = (value: unknown) => value !== null && value !== undefined;

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return '';
  return typeof value === 'number' ? value : String(value);
}
