// Tables as JSON: records of names and values, one a line (JSON Lines) or in a list, or columns of values.
import { LatentGpuError } from '../errors.ts';
import { isObject } from './json.ts';
import { quote } from './message.ts';
import { alike, wantedNames } from './table/alike.ts';
import type { CsvTable } from './table/csv-table.ts';
import { utf8Of } from './table/encoding.ts';
import { SAMPLE } from './table/first-row.ts';
import { Lists, mayBeWanted } from './table/lists.ts';
import type { Cell } from './table/number.ts';
import type { LabelColumn, TableOptions } from './table/options.ts';
import { TableRows } from './table/rows.ts';

/** No string is longer in any engine. */
const LONGEST = 2 ** 28;
const HOW = "write records, df.to_json(path, orient='records'), or a .csv file";

interface Records {
  /** Headings, in the order in which they come; none of rows that are lists. */
  readonly names: readonly string[] | undefined;
  readonly width: number;
  /** Where row `row` is, and what it holds. */
  readonly rows: readonly { readonly at: number; readonly cells: readonly unknown[] }[];
  readonly unit: 'line' | 'row';
}

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
  const { names, width, rows, unit } = recordsOf(
    new TextDecoder().decode(utf8Of(bytes, {}, bad)),
    bad,
  );
  const isWanted = mayBeWanted(names, width, name, options);
  const lists = new Lists({
    names,
    first: Array.from({ length: width }, (_, j) =>
      isWanted(j) ? rows.find(({ cells }) => isGiven(cells[j]))?.cells[j] : undefined,
    ),
  });
  const headings = lists.headings && alike(lists.headings, wantedNames(options, labels));
  const columns = lists.columns(headings, name);
  const layout = columns.layout(options, labels, false);
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
  const found = all.finish({ first: [], comments: [] });
  return extents ? { ...found, image: { extents, isOfBytes: false } } : found;
}

const isGiven = (value: unknown) => value !== null && value !== undefined;

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return '';
  return typeof value === 'number' ? value : String(value);
}

function recordsOf(text: string, bad: (why: string) => LatentGpuError): Records {
  const lines = linesOf(text);
  const [first] = lines;
  // Several lines of which each is an object; else the whole is one value.
  const isLines = first?.text.startsWith('{') && parsed(first.text) !== undefined;
  if (isLines && lines.length > 1) {
    return ofRecords(
      lines.map(({ at, text: line }) => {
        const value = parsed(line);
        if (isObject(value)) return { at, value };
        throw bad(`line ${at} is no JSON object, as the first is`);
      }),
      'line',
    );
  }
  const arrays = lines.length > 1 ? lines.map(({ text: line }) => parsed(line)) : [];
  if (arrays.length > 0 && arrays.every(Array.isArray)) {
    const rows = ofRows(undefined, arrays, bad).rows;
    return {
      ...{ names: undefined, width: rows[0]?.cells.length ?? 0, unit: 'line' },
      rows: rows.map(({ cells }, i) => ({ at: lines[i]?.at ?? 0, cells })),
    };
  }
  const value = parsed(text);
  if (value === undefined) throw bad(`is no JSON, or cut short; ${HOW}`);
  return ofValue(value, bad);
}

const linesOf = (text: string) =>
  text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line, i) => ({ at: i + 1, text: line.trim() }))
    .filter(({ text: line }) => line !== '');

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ofValue(value: unknown, bad: (why: string) => LatentGpuError): Records {
  if (Array.isArray(value)) {
    const rows = value.map((each, at) => ({ at, value: each as unknown }));
    if (rows.length > 0 && rows.every((row) => isObject(row.value))) {
      return ofRecords(rows as { at: number; value: Record<string, unknown> }[], 'row');
    }
    return ofRows(undefined, value, bad);
  }
  if (isObject(value) && isNames(value.columns) && Array.isArray(value.data)) {
    return ofRows(value.columns, value.data, bad);
  }
  // As programs wrap a list, and pandas with orient='table'.
  if (isObject(value) && Array.isArray(value.data)) return ofValue(value.data, bad);
  const columns = isObject(value) ? Object.entries(value) : [];
  // Of pandas' orient='index', rows by their numbers.
  const isByRow = columns.every(
    ([key, row]) => isWhole(key) && isObject(row) && !Object.keys(row).every(isWhole),
  );
  if (columns.length > 0 && isByRow) {
    const records = columns.map(([, row], at) => ({ at, value: row as Record<string, unknown> }));
    return ofRecords(records, 'row');
  }
  const [, sample] = columns[0] ?? [];
  const keys = isObject(sample) || Array.isArray(sample) ? Object.keys(sample) : [];
  const isTable = columns.every(([, column]) => {
    return (
      Object.keys(column ?? {}).length === keys.length &&
      Array.isArray(column) === Array.isArray(sample)
    );
  });
  if (keys.length === 0 || !isTable) throw bad(`is JSON, and no table; ${HOW}`);
  return {
    names: columns.map(([key]) => key),
    width: columns.length,
    rows: keys.map((key, at) => ({
      at,
      cells: columns.map(([, column]) => (column as Record<string, unknown>)[key]),
    })),
    unit: 'row',
  };
}

const isWhole = (text: string) => /^\d+$/.test(text);

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');

function ofRows(
  names: readonly string[] | undefined,
  rows: readonly unknown[],
  bad: (why: string) => LatentGpuError,
): Records {
  const width = names?.length ?? (Array.isArray(rows[0]) ? rows[0].length : 0);
  const isTable = width > 0 && rows.every((row) => Array.isArray(row) && row.length === width);
  if (!isTable) throw bad(`is JSON, and no list of records, or of rows of one length; ${HOW}`);
  const found = rows.map((cells, at) => ({ at, cells: cells as unknown[] }));
  return { names, width, rows: found, unit: 'row' };
}

function ofRecords(
  records: readonly { readonly at: number; readonly value: Record<string, unknown> }[],
  unit: 'line' | 'row',
): Records {
  const names = [...new Set(records.flatMap(({ value }) => Object.keys(value)))];
  const rows = records.map(({ at, value }) => ({
    at,
    cells: names.map((key) => (Object.hasOwn(value, key) ? value[key] : undefined)),
  }));
  return { names, width: names.length, rows, unit };
}
