import { readFile } from 'node:fs/promises';
import { LatentGpuError } from '../errors.ts';

/**
 * Reads a whole file into a plain byte array (a `Buffer`'s methods differ), or returns `undefined` if there is none.
 *
 * @throws LatentGpuError `io` if it exists but cannot be read
 */
export async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    const { buffer, byteOffset, byteLength } = await readFile(path);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const why = code === 'EISDIR' ? 'it is a folder, not a file' : message;
    throw new LatentGpuError('io', `cannot read ${path}: ${why}`);
  }
}
