// What Parquet stores in a cell, as a table of text would have it.
import type { ParquetParsers, SchemaElement, SchemaTree } from 'hyparquet';
import type { Cell } from './table/number.ts';

const decoder = new TextDecoder();

/** Dates and times as ISO 8601 has them. */
function dateText(milliseconds: number, length: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime())
    ? `date ${milliseconds}`
    : date.toISOString().slice(0, length);
}

/** What hyparquet would make objects of is text here. */
export const TIMES_AS_TEXT: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (time) => dated(time, 1n),
  timestampFromMicroseconds: (time) => dated(time, 1000n),
  timestampFromNanoseconds: (time) => dated(time, 1_000_000n),
  dateFromDays: (days) => (days === undefined ? undefined : dateText(days * 86_400_000, 10)),
  jsonFromBytes: (bytes) => bytes && decoder.decode(bytes),
  geometryFromBytes: (bytes) => bytes && 'a geometry',
  geographyFromBytes: (bytes) => bytes && 'a geography',
};

const dated = (time: bigint | undefined, perMillisecond: bigint) =>
  time === undefined ? undefined : dateText(Number(time / perMillisecond), 23);

/** Whether a column is not one value a row. */
export const isNested = ({ children, element }: SchemaTree): boolean =>
  children.length > 0 || element.repetition_type === 'REPEATED';

/** Whether it is of lists, perhaps of lists. */
export const isList = (column: SchemaTree): boolean =>
  isNested(column) && leafOf(column) !== undefined;

/** What a column holds that has nothing beside it; undefined of groups and maps. */
const leafOf = ({ children, element }: SchemaTree): SchemaElement | undefined => {
  const [only, another] = children;
  if (another) return undefined;
  return only ? leafOf(only) : element;
};

/** Whether the numbers in it are bytes. */
export function isOfBytes(column: SchemaTree): boolean {
  const { converted_type, logical_type } = leafOf(column) ?? column.element;
  const isLogical = logical_type?.type === 'INTEGER' && !logical_type.isSigned;
  return converted_type === 'UINT_8' || (isLogical && logical_type.bitWidth === 8);
}

/** Milliseconds of a unit of a column that holds times of day; undefined of all others. */
export function timeOf({ converted_type, logical_type }: SchemaElement): number | undefined {
  if (converted_type === 'TIME_MILLIS') return 1;
  if (converted_type === 'TIME_MICROS') return 1e-3;
  if (logical_type?.type !== 'TIME') return undefined;
  return { MILLIS: 1, MICROS: 1e-3, NANOS: 1e-6 }[logical_type.unit];
}

/** @param unit of times of day, in milliseconds */
export function cellOf(value: unknown, unit: number | undefined): Cell {
  if (value === null || value === undefined) return '';
  if (unit !== undefined) return dateText(Number(value) * unit, 23).slice(11);
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? `${value.length} bytes` : JSON.stringify(value);
}
