// Gzip files and what else is deflated, inflated within a bound.
import { LatentGpuError } from '../errors.ts';

/** One GiB: what {@link gunzip} inflates at most unless told otherwise. */
export const DEFAULT_INFLATED_LIMIT = 2 ** 30;

/**
 * Whether `bytes` begin with the gzip magic (RFC 1952).
 *
 * @example formats.isGzip(Uint8Array.of(0x1f, 0x8b, 8)) // true
 */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length > 2 && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/** What a deflate stream can grow by at most: a run of 258 bytes takes two bits. */
const LARGEST_RATIO = 1032;

/** Of files that do not say how large they are. */
export interface AtMost {
  readonly atMost: number;
}

/**
 * Inflates a gzip file (RFC 1952) by the platform's `DecompressionStream`, checking its CRC.
 *
 * Memory follows what really comes out, and stops at `limit`.
 *
 * @param bytes the compressed file
 * @param limit the most bytes that may come out; or how many must, or may at most, told from the bytes
 *   that came out so far (`undefined`: more are needed to tell)
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if the file is damaged, cut short, inflates past `limit`, or could
 *   not hold as much as it must
 * @example const bytes = await formats.gunzip(downloaded, 2 ** 24, 'train-images.gz');
 */
export async function gunzip(
  bytes: Uint8Array,
  limit: number | ((head: Uint8Array) => number | AtMost | undefined) = DEFAULT_INFLATED_LIMIT,
  name = 'gzip file',
): Promise<Uint8Array> {
  if (!isGzip(bytes)) throw new LatentGpuError('bad-format', `${name}: not a gzip file`);
  return await inflate(bytes, 'gzip', limit, name);
}

/**
 * The same of any stream that was deflated.
 *
 * @throws LatentGpuError `bad-format`
 */
export async function inflate(
  bytes: Uint8Array,
  format: 'gzip' | 'deflate-raw',
  limit: number | ((head: Uint8Array) => number | AtMost | undefined),
  name: string,
): Promise<Uint8Array> {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  let most = typeof limit === 'number' ? limit : undefined;
  let chunks: Uint8Array[] = [];
  let length = 0;
  // Allocated at once where the size is known; two copies of a large file might not fit.
  let whole: Uint8Array | undefined;
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  const reader = source.pipeThrough(new DecompressionStream(format)).getReader();
  const next = async () => {
    try {
      return await reader.read();
    } catch {
      throw bad('damaged or cut short (the compressed data does not inflate)');
    }
  };
  try {
    for (;;) {
      const { done, value } = await next();
      if (done) break;
      if (length + value.length > (most ?? DEFAULT_INFLATED_LIMIT)) {
        throw bad(`inflates to more than ${most ?? DEFAULT_INFLATED_LIMIT} bytes`);
      }
      if (whole) whole.set(value, length);
      else chunks.push(value);
      length += value.length;
      if (most === undefined && typeof limit === 'function') {
        const told = limit(joined(chunks, length));
        if (told === undefined) continue;
        most = typeof told === 'number' ? told : told.atMost;
        if (length > most) throw bad(`inflates to more than ${most} bytes`);
        if (typeof told !== 'number') continue;
        if (most > LARGEST_RATIO * bytes.length) {
          throw bad(`its header promises ${most} bytes, more than it could hold; it is damaged`);
        }
        whole = new Uint8Array(most);
        whole.set(joined(chunks, length));
        chunks = [];
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  return whole ? whole.subarray(0, length) : joined(chunks, length);
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only) return only;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
