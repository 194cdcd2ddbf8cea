// What rows and columns a JSON text has: records, a line each or in a list, rows of values, or columns of them.
import type { LatentGpuError } from '../errors.ts';
import { isObject } from './json.ts';
import { inWrittenOrder, parsed } from './json-text.ts';
import { quote } from './message.ts';
import { isNumber } from './table/number.ts';

const HOW = "write records, df.to_json(path, orient='records'), or a .csv file";

export interface Records {
  /** Headings, in the order in which they come; none of rows that are lists. */
  readonly names: readonly string[] | undefined;
  readonly width: number;
  /** Where row `row` is, and what it holds. */
  readonly rows: readonly { readonly at: number; readonly cells: readonly unknown[] }[];
  readonly unit: 'line' | 'row';
  /** How it was read, where it may have been meant otherwise. */
  readonly remark?: string;
}

/**
 * @param bad makes errors
 * @throws LatentGpuError for what is no JSON or no table
 */
export function recordsOf(text: string, bad: (why: string) => LatentGpuError): Records {
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
    const found = ofRows(undefined, arrays, bad);
    const rows = found.rows.map(({ at, cells }) => ({ at: lines[at]?.at ?? 0, cells }));
    return { ...found, rows, unit: 'line' };
  }
  const value = parsed(text);
  if (value === undefined) throw bad(`is no JSON, or cut short; ${HOW}`);
  return ofValue(value, text, bad);
}

const linesOf = (text: string) =>
  text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line, i) => ({ at: i + 1, text: line.trim() }))
    .filter(({ text: line }) => line !== '');

/** @param text of the value */
function ofValue(value: unknown, text: string, bad: (why: string) => LatentGpuError): Records {
  if (Array.isArray(value)) {
    const rows = value.map((each, at) => ({ at, value: each as unknown }));
    if (rows.length > 0 && rows.every((row) => isObject(row.value))) {
      return ofRecords(rows as { at: number; value: Record<string, unknown> }[], 'row');
    }
    // Of a series of pandas, or one column.
    const isColumn = value.every((each) => !Array.isArray(each) && !isObject(each));
    return ofRows(undefined, isColumn ? value.map((each) => [each]) : value, bad);
  }
  if (isObject(value) && isNames(value.columns) && Array.isArray(value.data)) {
    return ofRows(value.columns.map(String), value.data, bad);
  }
  // As programs wrap a list, and pandas with orient='table'.
  if (isObject(value) && Array.isArray(value.data)) {
    return withoutIndex(ofValue(value.data, text, bad), value.schema);
  }
  return ofColumns(isObject(value) ? value : {}, text, bad);
}

/** Names of pandas' index, where it has none of its own, as Parquet files have them. */
function withoutIndex(records: Records, schema: unknown): Records {
  const keys = isObject(schema) && Array.isArray(schema.primaryKey) ? schema.primaryKey : [];
  const isIndex = (name: string) => /^(index|level_\d+)$/.test(name) && keys.includes(name);
  const names = records.names?.map((name, j) => (isIndex(name) ? `__index_level_${j}__` : name));
  return { ...records, names };
}

/** An object of columns, or of rows by their names. */
function ofColumns(
  value: Record<string, unknown>,
  text: string,
  bad: (why: string) => LatentGpuError,
): Records {
  const isNested = Object.values(value).some(isObject);
  const names = inWrittenOrder(text, Object.keys(value), isNested);
  const columns = names.map((name) => value[name]);
  // Of pandas' orient='index', rows by their numbers.
  const isByRow =
    names.every(isWhole) &&
    columns.every((row) => isObject(row) && !Object.keys(row).every(isWhole));
  if (names.length > 0 && isByRow) {
    return ofRecords(
      columns.map((row, at) => ({ at, value: row as Record<string, unknown> })),
      'row',
    );
  }
  // A series of pandas.
  if (names.length > 0 && names.every(isWhole) && !columns.some((each) => each instanceof Object)) {
    return ofRows(
      undefined,
      columns.map((each) => [each]),
      bad,
    );
  }
  const [sample] = columns;
  const inner = isObject(sample) || Array.isArray(sample) ? Object.keys(sample) : [];
  const isTable = columns.every(
    (column) =>
      Object.keys(column ?? {}).length === inner.length &&
      Array.isArray(column) === Array.isArray(sample),
  );
  if (inner.length === 0 || !isTable) throw bad(`is JSON, and no table; ${HOW}`);
  const keys = isObject(sample) ? inWrittenOrder(text.replace(/^[^:]*:/, ''), inner) : inner;
  const isDoubtful = isObject(sample) && names.length > keys.length;
  return {
    names,
    width: names.length,
    rows: keys.map((key, at) => ({
      at,
      cells: columns.map((column) => (column as Record<string, unknown>)[key]),
    })),
    unit: 'row',
    ...(isDoubtful && {
      remark: `is taken for ${names.length} columns (${names.slice(0, 2).map(quote).join(', ')} …) of ${keys.length} ${keys.length === 1 ? 'row' : 'rows'}; if these are its rows, ${HOW}`,
    }),
  };
}

const isWhole = (text: string) => /^\d+$/.test(text);

const isNames = (value: unknown): value is (string | number)[] =>
  Array.isArray(value) && value.every((name) => ['string', 'number'].includes(typeof name));

const isName = (cell: unknown) => typeof cell === 'string' && !isNumber(cell);

function ofRows(
  names: readonly string[] | undefined,
  rows: readonly unknown[],
  bad: (why: string) => LatentGpuError,
): Records {
  const width = names?.length ?? (Array.isArray(rows[0]) ? rows[0].length : 0);
  const isTable = width > 0 && rows.every((row) => Array.isArray(row) && row.length === width);
  if (!isTable) throw bad(`is JSON, and no list of records, or of rows of one length; ${HOW}`);
  const found = rows.map((cells, at) => ({ at, cells: cells as unknown[] }));
  const [first, second] = found;
  // As interfaces of the web give tables.
  const isNamed =
    !names && first?.cells.every(isName) && second?.cells.some((cell) => isNumber(String(cell)));
  if (!isNamed) return { names, width, rows: found, unit: 'row' };
  return { names: first?.cells as string[], width, rows: found.slice(1), unit: 'row' };
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
