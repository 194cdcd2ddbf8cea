// NumPy's archives of arrays: zip files of .npy files.
import { Inflate } from 'fflate';
import { LatentGpuError } from '../errors.ts';
import { type NpyData, npyHeader, readNpy } from './npy.ts';
import { isNpyText, readNpyText } from './npy-text.ts';
import { unzip, type ZipEntry } from './zip.ts';

/** An array of an archive, of which the header was read. */
export interface NpzArray {
  readonly name: string;
  readonly shape: readonly number[];
  /** The element type as NumPy writes it. */
  readonly descr: string;
  readonly entry: ZipEntry;
}

/** Packed bytes of which the header comes: it has 128 bytes, or a few more. */
const HEAD = 2 ** 13;

const isArrayName = (name: string) => /\.npy$/i.test(name);

/** Whether a zip archive is one of arrays. */
export const isNpz = (entries: readonly ZipEntry[]): boolean =>
  entries.length > 0 && entries.every(({ name }) => isArrayName(name));

/**
 * The arrays of an archive, by their headers.
 *
 * @param archive what to call it in errors
 * @throws LatentGpuError `bad-format` for an array that is encrypted or damaged
 */
export function npzArrays(entries: readonly ZipEntry[], archive: string): NpzArray[] {
  return entries.map((entry) => {
    const name = entry.name.replace(/\.npy$/i, '');
    const where = `${archive}: array ${name}`;
    const bad = (why: string) => new LatentGpuError('bad-format', `${where} ${why}`);
    if (entry.isEncrypted) throw bad('is encrypted; unpack the archive');
    const header = npyHeader(headOf(entry, bad), where);
    if (!header) throw bad('ends within its header');
    return { name, entry, shape: header.shape, descr: header.descr };
  });
}

function headOf({ method, packed }: ZipEntry, bad: (why: string) => LatentGpuError): Uint8Array {
  if (method === 0) return packed;
  if (method !== 8) throw bad(`is packed by method ${method}; save it anew with np.savez`);
  let head = new Uint8Array(0);
  const inflating = new Inflate((part) => {
    const longer = new Uint8Array(head.length + part.length);
    longer.set(head);
    longer.set(part, head.length);
    head = longer;
  });
  try {
    inflating.push(packed.subarray(0, HEAD));
  } catch {
    throw bad('is damaged (its data do not inflate)');
  }
  return head;
}

/** @throws LatentGpuError `bad-format` */
export async function readNpzArray(
  { name, entry }: NpzArray,
  archive: string,
): Promise<{ shape: number[]; data: NpyData }> {
  return readNpy(await unzip(entry, archive), `${archive}: array ${name}`);
}

/**
 * Classes as an array holds them: whole numbers, booleans or texts, [rows] or [rows, 1].
 *
 * @returns a text a row; undefined if there are fractions
 * @throws LatentGpuError `bad-format`
 */
export async function readNpzTexts(
  array: NpzArray,
  archive: string,
): Promise<string[] | undefined> {
  if (isNpyText(array.descr)) {
    return readNpyText(await unzip(array.entry, archive), `${archive}: array ${array.name}`);
  }
  const { data } = await readNpzArray(array, archive);
  const isWhole = !(data instanceof Float32Array || data instanceof Float64Array);
  if (!isWhole && !data.every((value) => Number.isInteger(value))) return undefined;
  return Array.from(data as ArrayLike<number | bigint>, String);
}
