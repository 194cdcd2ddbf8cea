// Parquet files as tables: rows of their columns, and which of them are none of a table.
import { type FileMetaData, parquetSchema, type SchemaTree } from 'hyparquet';
import { LatentGpuError } from '../errors.ts';
import { quote } from './message.ts';
import { cellOf, isList, isNested, isOfBytes, timeOf } from './parquet-cells.ts';
import { GroupReader, metadataOf } from './parquet-groups.node.ts';
import { alike, wantedNames } from './table/alike.ts';
import type { CsvTable } from './table/csv-table.ts';
import { SAMPLE } from './table/first-row.ts';
import { layoutOf } from './table/layout.ts';
import { Lists, mayBeWanted } from './table/lists.ts';
import type { Cell } from './table/number.ts';
import type { LabelColumn, TableOptions } from './table/options.ts';
import { TableRows } from './table/rows.ts';

/**
 * Reads a Parquet file as a table: numbers and booleans, with texts, dates and times as a table of text has them,
 * and null for a cell that is empty. A column of lists of numbers, all of one length, is as many columns; of lists of
 * lists alone, each row is an image. Columns that are left out are not decoded.
 *
 * @param name what to call the file in errors
 * @param labels a column that is no feature
 * @throws LatentGpuError `bad-format` for a file that is damaged, encrypted or of a compression that is not read,
 *   another nested column, or the first cell that is no number; as `readCsv` for columns
 */
export async function readParquet(
  bytes: Uint8Array,
  name = 'Parquet file',
  labels?: LabelColumn,
  options: TableOptions = {},
): Promise<CsvTable> {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  const metadata = metadataOf(bytes, bad);
  const tree = parquetSchema(metadata).children;
  const written = tree.map(({ element }) => element.name);
  const first = await firstLists(
    bytes,
    metadata,
    tree,
    mayBeWanted(written, tree.length, name, options),
    bad,
  );
  const lists = new Lists({ names: written, first });
  const headings = alike(lists.headings as string[], wantedNames(options, labels));
  const columns = lists.columns(headings, name);
  const layout = layoutOf(columns, options, labels, false);
  const used = [...layout.features, ...layout.unnamed];
  if (layout.label >= 0) used.push(layout.label);
  for (const column of used) {
    const at = lists.stored[column] as number;
    if (!isNested(tree[at] as SchemaTree) || lists.isOfLists(at)) continue;
    throw bad(
      `${columns.describe(column)} is nested (a map, a group, or lists of other than numbers), and no column of a table; leave it out with --drop ${columns.argument(column)}`,
    );
  }
  const needed = [...new Set(used.map((column) => lists.stored[column] as number))];
  const units = needed.map((column) => timeOf((tree[column] as SchemaTree).element));
  const cells: Cell[] = Array<Cell>(lists.width).fill('');
  const cellsOf = (values: readonly unknown[], row: number) => {
    needed.forEach((column, k) => {
      const toCell = (value: unknown) => cellOf(value, units[k]);
      const badIn = (why: string) =>
        bad(`row ${row}, column ${column + 1} (${quote(written[column] as string)}) ${why}`);
      lists.fill(cells, column, values[k], toCell, badIn);
    });
    return cells;
  };
  const reader = new GroupReader(bytes, metadata, tree, needed, bad);
  const size = 2 * Number(metadata.num_rows) * layout.features.length;
  const extents = lists.imageOf(layout.features);
  const source = {
    ...{ size, name, labels, options, delimiter: ',', unit: 'row' as const },
    isOfImages: extents !== undefined,
  };
  let rows: TableRows | undefined;
  let row = 0;
  for (let group = 0; group < metadata.row_groups.length; group++) {
    const found = await reader.read(group);
    if (!rows) {
      const sample = firstOf(found, (values, at) => cellsOf(values, at).map(String));
      rows = new TableRows(source, columns, layout, sample);
    }
    for (const values of found) {
      rows.add(cellsOf(values, row), row);
      row += 1;
    }
  }
  rows ??= new TableRows(source, columns, layout, []);
  const table = rows.finish({ first: [], comments: [] });
  const [only] = needed.filter((column) => lists.isOfLists(column));
  if (!extents || only === undefined) return table;
  return { ...table, image: { extents, isOfBytes: isOfBytes(tree[only] as SchemaTree) } };
}

/** A cell of each column of lists that may be wanted; undefined of all others. */
async function firstLists(
  bytes: Uint8Array,
  metadata: FileMetaData,
  tree: readonly SchemaTree[],
  isWanted: (column: number) => boolean,
  bad: (why: string) => LatentGpuError,
): Promise<unknown[]> {
  const first: unknown[] = tree.map(() => undefined);
  const nested = tree.flatMap((column, at) => (isList(column) && isWanted(at) ? [at] : []));
  if (nested.length === 0) return first;
  const rows = await new GroupReader(bytes, metadata, tree, nested, bad).peek(SAMPLE);
  for (const values of rows) {
    nested.forEach((column, k) => {
      first[column] ??= values[k];
    });
  }
  return first;
}

function firstOf(
  rows: Iterable<readonly unknown[]>,
  cellsOf: (values: readonly unknown[], row: number) => string[],
): { line: number; cells: string[] }[] {
  const sample: { line: number; cells: string[] }[] = [];
  for (const values of rows) {
    if (sample.length === SAMPLE) break;
    sample.push({ line: sample.length, cells: cellsOf(values, sample.length) });
  }
  return sample;
}
