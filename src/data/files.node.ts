// Files of any size, read whole.
import { type FileHandle, open } from 'node:fs/promises';
import { LatentGpuError } from '../errors.ts';

/** No read asks for more at once: systems refuse 2 GiB. */
const PIECE = 2 ** 28;
/** Smaller files are read without asking how much memory there is. */
const LARGE = 2 ** 28;

/**
 * Reads a whole file of any size into a plain byte array (a `Buffer`'s methods differ), or returns
 * `undefined` if there is none.
 *
 * @param onProgress told how much of a large file has been read
 * @throws LatentGpuError `bad-input` for a folder, `io` if a file exists but cannot be read, `out-of-memory` if it does not fit
 */
export async function readIfPresent(
  path: string,
  onProgress?: (fraction: number) => void,
): Promise<Uint8Array | undefined> {
  try {
    const file = await open(path);
    try {
      return await readOpen(file, path, onProgress);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof LatentGpuError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'EISDIR') {
      throw new LatentGpuError('bad-input', `cannot read ${path}: it is a folder, not a file`);
    }
    throw new LatentGpuError('io', `cannot read ${path}: ${message}`);
  }
}

async function readOpen(
  file: FileHandle,
  path: string,
  onProgress: ((fraction: number) => void) | undefined,
): Promise<Uint8Array> {
  const found = await file.stat();
  if (!found.isFile()) {
    // A pipe's size is not known before its end.
    const { buffer, byteOffset, byteLength } = await file.readFile();
    return new Uint8Array(buffer, byteOffset, byteLength);
  }
  const bytes = allocate(found.size, path);
  let length = 0;
  while (length < bytes.length) {
    const wanted = Math.min(PIECE, bytes.length - length);
    const { bytesRead } = await file.read(bytes, length, wanted, length);
    if (bytesRead === 0) break;
    length += bytesRead;
    onProgress?.(length / bytes.length);
  }
  return bytes.subarray(0, length);
}

function allocate(size: number, path: string): Uint8Array {
  const free = process.availableMemory();
  if (size <= LARGE || size <= free) {
    try {
      return new Uint8Array(size);
    } catch {
      // More than one array may have.
    }
  }
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  throw new LatentGpuError(
    'out-of-memory',
    `${path} has ${gib(size)}, and ${gib(free)} of memory are free; make it smaller, or store bytes (uint8) in place of floats`,
  );
}
