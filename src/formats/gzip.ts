import { LatentGpuError } from '../errors.ts';

/** One GiB: what {@link gunzip} inflates at most unless told otherwise. */
export const DEFAULT_INFLATED_LIMIT = 2 ** 30;

/** Whether `bytes` begin with the gzip magic (RFC 1952). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length > 2 && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/**
 * Inflates a gzip file (RFC 1952) by the platform's `DecompressionStream`, checking its CRC.
 *
 * Memory follows what really comes out, never what a header claims, and stops at `limit`.
 *
 * @param bytes the compressed file
 * @param limit the most bytes that may come out
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if the file is damaged, cut short, or inflates past `limit`
 */
export async function gunzip(
  bytes: Uint8Array,
  limit = DEFAULT_INFLATED_LIMIT,
  name = 'gzip file',
): Promise<Uint8Array> {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (!isGzip(bytes)) throw bad('not a gzip file');
  const chunks: Uint8Array[] = [];
  let length = 0;
  let overflow = false;
  try {
    const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
    const reader = source.pipeThrough(new DecompressionStream('gzip')).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      overflow = length > limit;
      if (overflow) {
        await reader.cancel();
        break;
      }
      chunks.push(value);
    }
  } catch {
    throw bad('damaged or cut short (the compressed data does not inflate)');
  }
  if (overflow) throw bad(`inflates to more than ${limit} bytes`);
  const inflated = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    inflated.set(chunk, offset);
    offset += chunk.length;
  }
  return inflated;
}
