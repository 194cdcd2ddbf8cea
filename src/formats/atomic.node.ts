import { lstat, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { lifeOfPartial, partialName } from './owner.node.ts';

/** A failure of the file system as one line. */
export function ioError(what: string, cause: unknown): LatentGpuError {
  if (cause instanceof LatentGpuError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LatentGpuError('io', `${what}: ${why}`);
}

/**
 * Writes a file so that, whenever the process or the machine stops, `path` holds the old content or
 * the new one, whole: the bytes go to a file beside it, are synchronised to the disk, and the file is
 * renamed over `path`.
 *
 * @param path the file; its folder must exist
 * @throws LatentGpuError `io` if the file cannot be written (full disk, no permission); the old
 *   content is then untouched
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  const partial = join(folder, partialName());
  try {
    await removeAbandoned(folder);
    await writeSynced(partial, content);
    await rename(partial, path);
  } catch (cause) {
    await unlink(partial).catch(() => undefined);
    throw ioError(`cannot write ${path}`, cause);
  }
  await syncFolder(folder);
}

/**
 * Writes `folder/name` as {@link writeFileAtomic} does, creating the folder (and its parents) first.
 *
 * @throws LatentGpuError `io` if the folder or the file cannot be written
 */
export async function writeFolderFile(
  folder: string,
  name: string,
  content: Uint8Array | string,
): Promise<void> {
  await makeFolder(folder);
  await writeFileAtomic(join(folder, name), content);
}

/** Writes a new file, and waits until the disk has it. */
export async function writeSynced(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Creates a folder and its parents where they are not there.
 *
 * @returns the folders that were created, the innermost first
 * @throws LatentGpuError `io`
 */
export async function makeFolder(folder: string): Promise<string[]> {
  let first: string | undefined;
  try {
    first = await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw ioError(`cannot create the folder ${folder}`, cause);
  }
  const created: string[] = [];
  if (first === undefined) return created;
  for (let at = resolve(folder); at.length >= resolve(first).length; at = dirname(at)) {
    created.push(at);
    await syncFolder(dirname(at));
  }
  return created;
}

/** One that cannot be asked after is taken to be gone when its file is as old as this. */
const ABANDONED_MS = 24 * 3600 * 1000;

/** Removes the partial files that killed processes left; one that still runs keeps its own. */
export async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const life = lifeOfPartial(name);
    if (life === undefined || life === 'running') continue;
    const path = join(folder, name);
    if (life === 'unknown') {
      const found = await lstat(path).catch(() => undefined);
      if (!found || Date.now() - found.mtimeMs < ABANDONED_MS) continue;
    }
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Makes renames durable; some systems cannot open a folder, and then it is not needed. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    return;
  }
}
