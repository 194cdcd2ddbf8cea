// Parquet files as tables: rows of their columns, and which of them are none of a table.
import { parquetSchema, type SchemaTree } from 'hyparquet';
import { LatentGpuError } from '../errors.ts';
import { cellOf, isNested, timeOf } from './parquet-cells.ts';
import { GroupReader, metadataOf } from './parquet-groups.node.ts';
import { alike, wantedNames } from './table/alike.ts';
import { Columns } from './table/columns.ts';
import type { CsvTable } from './table/csv-table.ts';
import { SAMPLE, wordyOf } from './table/first-row.ts';
import type { Cell } from './table/number.ts';
import type { LabelColumn, TableOptions } from './table/options.ts';
import { TableRows } from './table/rows.ts';

/**
 * Reads a Parquet file as a table: numbers and booleans, with texts, dates and times as a table of text has them,
 * and null for a cell that is empty. Columns that are left out are not decoded.
 *
 * @param name what to call the file in errors
 * @param labels a column that is no feature
 * @throws LatentGpuError `bad-format` for a file that is damaged, encrypted or of a compression that is not read,
 *   a nested column, or the first cell that is no number; as `readCsv` for columns
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
  const columns = new Columns(alike(written, wantedNames(options, labels)), tree.length, name);
  const layout = columns.layout(options, labels, false);
  const needed = [...layout.features, ...layout.unnamed];
  if (layout.label >= 0) needed.push(layout.label);
  for (const column of needed) {
    if (!isNested(tree[column] as SchemaTree)) continue;
    throw bad(
      `${columns.describe(column)} is nested (a list, map or group), and no column of a table; leave it out with --drop ${columns.argument(column)}`,
    );
  }
  const units = needed.map((column) => timeOf((tree[column] as SchemaTree).element));
  const cells: Cell[] = tree.map(() => '');
  const cellsOf = (values: readonly unknown[]) => {
    needed.forEach((column, k) => {
      cells[column] = cellOf(values[k], units[k]);
    });
    return cells;
  };
  const reader = new GroupReader(bytes, metadata, tree, needed, bad);
  const size = 2 * Number(metadata.num_rows) * layout.features.length;
  const source = { size, name, labels, options, delimiter: ',', unit: 'row' as const };
  let rows: TableRows | undefined;
  let row = 0;
  for (let group = 0; group < metadata.row_groups.length; group++) {
    const found = await reader.read(group);
    if (!rows) {
      const sample = firstOf(found, (values) => cellsOf(values).map(String));
      rows = new TableRows(source, columns, layout, wordyOf(sample, layout.features));
    }
    for (const values of found) {
      rows.add(cellsOf(values), row);
      row += 1;
    }
  }
  rows ??= new TableRows(source, columns, layout, []);
  return rows.finish({ first: [], comments: [] });
}

function firstOf(
  rows: Iterable<readonly unknown[]>,
  cellsOf: (values: readonly unknown[]) => string[],
): { line: number; cells: string[] }[] {
  const sample: { line: number; cells: string[] }[] = [];
  for (const values of rows) {
    if (sample.length === SAMPLE) break;
    sample.push({ line: sample.length, cells: cellsOf(values) });
  }
  return sample;
}
