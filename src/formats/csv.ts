// Numeric tables as text. The splitting into cells is papaparse's; what is here, and in table/, decides
// what a table of numbers is, and says where a file is none.
import { LatentGpuError } from '../errors.ts';
import type { CsvTable } from './table/csv-table.ts';
import { dialectOf, isWrapped, unwrapped } from './table/dialect.ts';
import { utf8Of } from './table/encoding.ts';
import type { LabelColumn, TableOptions } from './table/options.ts';
import { TableReader } from './table/reader.ts';

export type { CsvTable } from './table/csv-table.ts';
export type { LabelColumn, TableChoice, TableOptions } from './table/options.ts';

/** Text is split into cells in pieces of about this many bytes, whatever the file's size. */
const PIECE = 2 ** 22;
/** No string is longer in any engine. */
const LONGEST_PIECE = 2 ** 28;

/**
 * Reads a table of numbers: comma, semicolon, tab, bar or blanks between the cells, which may be quoted;
 * decimals with a point or, where that is no separator, a comma; with a header (a first row of names) or
 * without. Blank lines, and comments that begin with `#`, are passed over; so are, and told in
 * `remarks`, columns without a heading that number the rows.
 *
 * @param name what to call the file in errors
 * @param labels a column that is no feature
 * @throws LatentGpuError `bad-format` naming line and column of the first cell that is empty or no finite
 *   number, the first row with more or fewer cells than the first, or the first line that is not UTF-8;
 *   `bad-input` if there is no such column, or where it must be said whether the first row is a header;
 *   `shape-mismatch` for a table without the columns that are expected
 */
export function readCsv(
  bytes: Uint8Array,
  name = 'CSV file',
  labels?: LabelColumn,
  options: TableOptions = {},
): CsvTable {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  const { encoding, hints } = options;
  const otherEncoding = hints?.encoding;
  const text = utf8Of(
    bytes,
    {
      ...(encoding !== undefined && { encoding }),
      ...(otherEncoding !== undefined && { otherEncoding }),
    },
    bad,
  );
  const decoder = new TextDecoder('utf-8');
  let table: TableReader | undefined;
  let hasRowsInCells: boolean | undefined;
  for (let start = 0; start < text.length; ) {
    const end = pieceEnd(text, start);
    if (end - start > LONGEST_PIECE) throw bad('a quote is never closed, or a line never ends');
    const written = decoder.decode(text.subarray(start, end)).replace(/\r\n?/g, '\n');
    hasRowsInCells ??= isWrapped(written);
    const piece = hasRowsInCells ? unwrapped(written) : written;
    table ??= new TableReader({
      size: text.length,
      dialect: dialectOf(piece),
      name,
      labels,
      options,
    });
    table.addPiece(end === text.length ? piece : piece.slice(0, -1));
    start = end;
  }
  if (!table) throw bad('is empty');
  return table.finish();
}

/** Where the piece that begins at `start` ends: after a line, outside of quotes. */
function pieceEnd(bytes: Uint8Array, start: number): number {
  if (bytes.length - start <= PIECE) return bytes.length;
  let isQuoted = false;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x22) isQuoted = !isQuoted;
    else if (byte === 0x0a && !isQuoted) {
      if (at - start >= PIECE) return at + 1;
      // Quotes in a comment are none.
      while (bytes[at + 1] === 0x23) {
        const end = bytes.indexOf(0x0a, at + 1);
        if (end < 0) return bytes.length;
        at = end;
      }
    }
  }
  return bytes.length;
}
