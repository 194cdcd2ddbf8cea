// Parquet files as tables. The decoding is hyparquet's; what is here makes rows of its columns, and says which
// of them are none of a table.
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { decompress as unzstd } from 'fzstd';
import {
  type Compressors,
  type DecodedArray,
  type FileMetaData,
  parquetMetadata,
  parquetRead,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { LatentGpuError } from '../errors.ts';
import { cellOf, isNested, TIMES_AS_TEXT, timeOf } from './parquet-cells.ts';
import { Columns } from './table/columns.ts';
import type { CsvTable } from './table/csv-table.ts';
import { wordyOf } from './table/first-row.ts';
import type { Cell } from './table/number.ts';
import type { LabelColumn, TableOptions } from './table/options.ts';
import { TableRows } from './table/rows.ts';

/** Rows that are looked at before it is said which columns hold texts. */
const SAMPLE = 100;

/** Beside Snappy, which hyparquet has itself. */
const COMPRESSORS: Compressors = {
  GZIP: (bytes, length) => gunzipSync(bytes, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (bytes, length) => brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, length) }),
  ZSTD: (bytes, length) => unzstd(bytes, new Uint8Array(length)),
};
const CODECS = ['UNCOMPRESSED', 'SNAPPY', ...Object.keys(COMPRESSORS)];

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
  const columns = new Columns(
    tree.map(({ element }) => element.name),
    tree.length,
    name,
  );
  const layout = columns.layout(options, labels, false);
  const needed = [...layout.features, ...layout.unnamed];
  if (layout.label >= 0) needed.push(layout.label);
  for (const column of needed) {
    if (!isNested(tree[column] as SchemaTree)) continue;
    throw bad(
      `${columns.describe(column)} is nested (a list, map or group), and no column of a table; leave it out with --drop ${columns.argument(column)}`,
    );
  }
  const reader = new GroupReader(bytes, metadata, tree, needed, bad);
  const size = 2 * Number(metadata.num_rows) * layout.features.length;
  const source = { size, name, labels, options, delimiter: ',', unit: 'row' as const };
  let rows: TableRows | undefined;
  let row = 0;
  for (let group = 0; group < metadata.row_groups.length; group++) {
    const cells = await reader.read(group);
    rows ??= new TableRows(source, columns, layout, wordyOf(sampleOf(cells), layout.features));
    for (const each of cells) {
      rows.add(each, row);
      row += 1;
    }
  }
  rows ??= new TableRows(source, columns, layout, []);
  return rows.finish({ first: [], comments: [] });
}

function sampleOf(rows: Iterable<readonly Cell[]>): { line: number; cells: string[] }[] {
  const sample: { line: number; cells: string[] }[] = [];
  for (const cells of rows) {
    if (sample.length === SAMPLE) break;
    sample.push({ line: sample.length, cells: cells.map(String) });
  }
  return sample;
}

function metadataOf(bytes: Uint8Array, bad: (why: string) => LatentGpuError): FileMetaData {
  if (bytes[3] === 0x45) throw bad('is encrypted; write it without encryption');
  let metadata: FileMetaData;
  try {
    metadata = parquetMetadata(bytes, { geoparquet: false });
    parquetSchema(metadata);
  } catch (cause) {
    throw bad(`damaged or cut short (${reason(cause)})`);
  }
  return metadata;
}

const reason = (cause: unknown) =>
  (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]?.slice(0, 200);

/** Reads one group of rows after the other. */
class GroupReader {
  private readonly file;
  private readonly metadata: FileMetaData;
  private readonly tree: readonly SchemaTree[];
  private readonly needed: readonly number[];
  private readonly bad: (why: string) => LatentGpuError;
  private start = 0;

  constructor(
    bytes: Uint8Array,
    metadata: FileMetaData,
    tree: readonly SchemaTree[],
    needed: readonly number[],
    bad: (why: string) => LatentGpuError,
  ) {
    const slice = (from: number, to?: number) => bytes.slice(from, to).buffer as ArrayBuffer;
    this.file = { byteLength: bytes.length, slice };
    this.metadata = metadata;
    this.tree = tree;
    this.needed = needed;
    this.bad = bad;
  }

  private nameOf(column: number): string {
    return (this.tree[column] as SchemaTree).element.name;
  }

  /** @returns all rows of a group, each in the same array; cells of columns that are not needed are empty */
  async read(group: number): Promise<Iterable<readonly Cell[]>> {
    const { tree, needed } = this;
    const count = this.check(group);
    const found = await this.decoded(this.start, this.start + count);
    this.start += count;
    const parts = needed.map((column) => found.get(this.nameOf(column)) ?? []);
    const lengths = parts.map((pieces) => pieces.reduce((sum, { length }) => sum + length, 0));
    if (lengths.some((length) => length !== count)) {
      throw this.bad(`damaged (row group ${group} has not the ${count} rows that it promises)`);
    }
    const units = needed.map((column) => timeOf((tree[column] as SchemaTree).element));
    const row: Cell[] = tree.map(() => '');
    return {
      *[Symbol.iterator]() {
        // Whoever looks at the first rows only begins anew.
        const values = parts.map(valuesOf);
        for (let i = 0; i < count; i++) {
          for (let k = 0; k < needed.length; k++) {
            row[needed[k] as number] = cellOf(values[k]?.(), units[k]);
          }
          yield row;
        }
      },
    };
  }

  /** @returns rows of the group */
  private check(group: number): number {
    const { columns, num_rows } = this.metadata.row_groups[
      group
    ] as FileMetaData['row_groups'][number];
    const names = this.needed.map((column) => this.nameOf(column));
    for (const { meta_data, crypto_metadata, encrypted_column_metadata } of columns) {
      const name = meta_data?.path_in_schema[0];
      if (crypto_metadata || encrypted_column_metadata || !meta_data || name === undefined) {
        throw this.bad('has encrypted columns; write it without encryption');
      }
      if (!names.includes(name) || CODECS.includes(meta_data.codec)) continue;
      throw this.bad(
        `is compressed by ${meta_data.codec}, which is not read; write it anew with df.to_parquet(path, compression='snappy')`,
      );
    }
    const count = Number(num_rows);
    if (Number.isSafeInteger(count) && count >= 0) return count;
    throw this.bad(`damaged (row group ${group} promises ${num_rows} rows)`);
  }

  private async decoded(rowStart: number, rowEnd: number): Promise<Map<string, DecodedArray[]>> {
    const found = new Map<string, DecodedArray[]>();
    try {
      await parquetRead({
        ...{ file: this.file, metadata: this.metadata, rowStart, rowEnd, geoparquet: false },
        ...{ compressors: COMPRESSORS, parsers: TIMES_AS_TEXT },
        columns: this.needed.map((column) => this.nameOf(column)),
        onChunk: ({ columnName, columnData }) => {
          const pieces = found.get(columnName);
          if (pieces) pieces.push(columnData);
          else found.set(columnName, [columnData]);
        },
      });
    } catch (cause) {
      throw this.bad(`damaged or cut short (${reason(cause)})`);
    }
    return found;
  }
}

/** Goes through pieces, a value a call. */
function valuesOf(pieces: readonly DecodedArray[]): () => unknown {
  let piece = 0;
  let at = 0;
  return () => {
    while (at >= (pieces[piece]?.length ?? Number.POSITIVE_INFINITY)) {
      piece += 1;
      at = 0;
    }
    const value = pieces[piece]?.[at];
    at += 1;
    return value;
  };
}
