// Zip archives: which files are in them, and their bytes.
import { LatentGpuError } from '../errors.ts';
import { crc32 } from './crc32.ts';
import { inflate } from './gzip.ts';
import { quote } from './message.ts';

export interface ZipEntry {
  /** Its path in the archive. */
  readonly name: string;
  /** 0: stored, 8: deflated. */
  readonly method: number;
  readonly isEncrypted: boolean;
  /** Bytes as they are stored, and how many come of them. */
  readonly packed: Uint8Array;
  readonly size: number;
  readonly crc: number;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
/** The record at the end, and the longest comment behind it. */
const END_SIZE = 22;
const LONGEST_COMMENT = 0xffff;

/** Whether `bytes` begin as a zip archive does. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 &&
  bytes[1] === 0x4b &&
  ((bytes[2] === 3 && bytes[3] === 4) || (bytes[2] === 5 && bytes[3] === 6));

/** What archivers of macOS leave, and folders. */
const isBeside = (name: string) => /\/$|(^|\/)(__MACOSX\/|\.|thumbs\.db$)/i.test(name);

/**
 * The files of a zip archive (PKWARE's APPNOTE), in their order.
 *
 * @param name what to call the archive in errors
 * @throws LatentGpuError `bad-format` if it is damaged or cut short, or in several parts or of more than 4 GiB (Zip64)
 */
export function zipEntries(bytes: Uint8Array, name: string): ZipEntry[] {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOf(view);
  if (end < 0) throw bad('cut short (the list at the end of a zip archive is missing)');
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) throw bad(ZIP64);
  const entries: ZipEntry[] = [];
  const damaged = bad('damaged (its list of files does not fit the file)');
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL) throw damaged;
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    const [crc, packed, size] = [16, 20, 24].map((from) => view.getUint32(at + from, true));
    const lengths = [28, 30, 32].map((from) => view.getUint16(at + from, true));
    const [named = 0] = lengths;
    const place = view.getUint32(at + 42, true);
    const path = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + named));
    at += 46 + lengths.reduce((sum, length) => sum + length, 0);
    if (isBeside(path)) continue;
    if ([packed, size, place].includes(0xffffffff)) throw bad(ZIP64);
    if (place + 30 > bytes.length || view.getUint32(place, true) !== LOCAL) throw damaged;
    const start = place + 30 + view.getUint16(place + 26, true) + view.getUint16(place + 28, true);
    if (start + (packed as number) > end) throw damaged;
    entries.push({
      ...{ name: path, method, isEncrypted: (flags & 1) === 1 },
      ...{ packed: bytes.subarray(start, start + (packed as number)) },
      ...{ size: size as number, crc: crc as number },
    });
  }
  return entries;
}

const ZIP64 = 'is a zip archive of more than 4 GiB or 65,535 files (Zip64); unpack it';

/** Where the record at the end begins; -1 if there is none. */
function endOf(view: DataView): number {
  const last = view.byteLength - END_SIZE;
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
    if (view.getUint32(at, true) === END) return at;
  }
  return -1;
}

/**
 * The bytes of a file in an archive: a view where it is stored as it is.
 *
 * @param archive what to call the archive in errors
 * @throws LatentGpuError `bad-format` if it is encrypted, damaged, or packed in another way than zip's usual one
 */
export async function unzip(entry: ZipEntry, archive: string): Promise<Uint8Array> {
  const { name, method, packed, size, crc } = entry;
  const where = `${archive}: ${quote(name)}`;
  const bad = (why: string) => new LatentGpuError('bad-format', `${where} ${why}`);
  if (entry.isEncrypted) throw bad('is encrypted; unpack the archive');
  if (method !== 0 && method !== 8) {
    throw bad(`is packed by method ${method}, neither stored nor deflated; unpack the archive`);
  }
  const bytes = method === 0 ? packed : await inflate(packed, 'deflate-raw', () => size, where);
  if (bytes.length !== size)
    throw bad(`has ${bytes.length} bytes in place of ${size}; it is damaged`);
  if (crc32(bytes) !== crc) throw bad('is damaged (its checksum is another)');
  return bytes;
}
