// A table that is dropped on a page: numbers and words, and classes where a heading names them.
import { isLatentGpuError, LatentGpuError } from '../../src/errors.ts';
import type { CsvTable } from '../../src/formats/csv.ts';

/** A heading of a column that is taken for classes. */
const OF_CLASSES = /(?:^|[,;\t|"])(class|label|species|target|diagnosis|variety)(?:$|[,;\t|"])/i;

/**
 * @param takesMissing whether cells may be empty, as NaN
 * @throws LatentGpuError for a command line; see {@link inWordsOfPage}
 */
export async function tableOf(
  name: string,
  value: Uint8Array,
  takesMissing = false,
): Promise<CsvTable> {
  const { readCsv } = await import('../../src/formats/csv.ts');
  const [first = ''] = new TextDecoder().decode(value.subarray(0, 65536)).split(/\r?\n/);
  const heading = OF_CLASSES.exec(first)?.[1];
  const labels = heading ? { name: heading, isOptional: true } : undefined;
  return readCsv(value, name, labels, { takesWords: true, takesMissing });
}

/** What to do on a page about what a reader found. @param takesEmpty whether cells may be empty */
function remedyFor(why: string, takesEmpty: boolean): string[] {
  if (/which is no number$/.test(why)) {
    return ['correct it, call a column of classes "class", or leave the column out'];
  }
  // Of words.
  if (
    /(as names do|too many for categories|no word in any row|can be learned of them)$/.test(why)
  ) {
    return ['leave the column out'];
  }
  if (/does not fit float32$/.test(why)) return ['write the column in larger units'];
  // What stands for a value that is missing: an empty cell, NA, NaN.
  return /: line \d+, .*(is empty|(is|holds) "[^"]*")$/.test(why)
    ? [
        `${takesEmpty ? 'empty the cell if its value is missing' : 'fill it in'}, or leave the row out`,
      ]
    : [];
}

/** What the reader of a table says, less what it says of a command line. */
export async function inWordsOfPage<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isLatentGpuError(error)) throw error;
    const [why = error.message, ...ways] = error.message.split('; ');
    const own = ways.filter((way) => !/--|name a column/.test(way));
    const takesEmpty = ways.some((way) => way.startsWith('empty the cell'));
    throw new LatentGpuError(error.code, [why, ...remedyFor(why, takesEmpty), ...own].join('; '));
  }
}
