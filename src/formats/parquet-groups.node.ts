// Groups of rows of a Parquet file, decoded by hyparquet column by column.
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
import type { LatentGpuError } from '../errors.ts';
import { TIMES_AS_TEXT } from './parquet-cells.ts';

/** Beside Snappy, which hyparquet has itself. */
const COMPRESSORS: Compressors = {
  GZIP: (bytes, length) => gunzipSync(bytes, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (bytes, length) => brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, length) }),
  ZSTD: (bytes, length) => unzstd(bytes, new Uint8Array(length)),
};
const CODECS = ['UNCOMPRESSED', 'SNAPPY', ...Object.keys(COMPRESSORS)];

/** @throws LatentGpuError `bad-format` */
export function metadataOf(bytes: Uint8Array, bad: (why: string) => LatentGpuError): FileMetaData {
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
export class GroupReader {
  private readonly file;
  private readonly metadata: FileMetaData;
  private readonly tree: readonly SchemaTree[];
  private readonly needed: readonly number[];
  private readonly bad: (why: string) => LatentGpuError;
  private readonly utf8: boolean;
  private start = 0;

  /**
   * @param tree of all columns, of which those that are `needed` are read
   * @param utf8 whether bytes of which nothing is said are text
   */
  constructor(
    bytes: Uint8Array,
    metadata: FileMetaData,
    tree: readonly SchemaTree[],
    needed: readonly number[],
    bad: (why: string) => LatentGpuError,
    utf8 = true,
  ) {
    this.utf8 = utf8;
    // A copy, of a Buffer as well, whose own `slice` is none.
    const slice = (from: number, to?: number) => new Uint8Array(bytes.subarray(from, to)).buffer;
    this.file = { byteLength: bytes.length, slice };
    this.metadata = metadata;
    this.tree = tree;
    this.needed = needed;
    this.bad = bad;
  }

  private nameOf(column: number): string {
    return (this.tree[column] as SchemaTree).element.name;
  }

  /** @returns all rows of a group, each in the same array: a value for each column that is needed */
  async read(group: number): Promise<Iterable<readonly unknown[]>> {
    const { needed } = this;
    const count = this.check(group);
    const found = await this.decoded(this.start, this.start + count);
    this.start += count;
    const parts = this.partsOf(found);
    const lengths = parts.map((pieces) => pieces.reduce((sum, { length }) => sum + length, 0));
    if (lengths.some((length) => length !== count)) {
      throw this.bad(`damaged (row group ${group} has not the ${count} rows that it promises)`);
    }
    const row: unknown[] = needed.map(() => undefined);
    return {
      *[Symbol.iterator]() {
        // Whoever looks at the first rows only begins anew.
        const values = parts.map(valuesOf);
        for (let i = 0; i < count; i++) {
          for (let k = 0; k < needed.length; k++) row[k] = values[k]?.();
          yield row;
        }
      },
    };
  }

  private partsOf(found: Map<string, DecodedArray[]>): DecodedArray[][] {
    return this.needed.map((column) => found.get(this.nameOf(column)) ?? []);
  }

  /** @returns the first rows of the first group, which is read anew after that */
  async peek(most: number): Promise<readonly (readonly unknown[])[]> {
    if (this.metadata.row_groups.length === 0) return [];
    const count = Math.min(most, this.check(0));
    const values = this.partsOf(await this.decoded(0, count)).map(valuesOf);
    return Array.from({ length: count }, () => values.map((next) => next()));
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
        utf8: this.utf8,
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
