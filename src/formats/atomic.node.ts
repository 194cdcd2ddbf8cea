// Files that are whole at every moment: written beside and renamed.
import { constants } from 'node:fs';
import {
  access,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { lifeOfPartial, partialName } from './owner.node.ts';

/** A failure of the file system as one line. */
export function ioError(what: string, cause: unknown): LatentGpuError {
  if (cause instanceof LatentGpuError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  const isFull = ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '');
  const hint = isFull ? '; what was there is unchanged; free some space and try again' : '';
  return new LatentGpuError('io', `${what}: ${why}${hint}`);
}

/** No system follows more. */
const MOST_LINKS = 40;

/** Where a path leads whose last part is a link, or a link to one; of a link to nothing, where that would lie. */
export async function throughLinks(path: string): Promise<string> {
  let target = path;
  for (let i = 0; i < MOST_LINKS; i++) {
    const next = await readlink(target).catch(() => undefined);
    if (next === undefined) break;
    target = resolve(dirname(target), next);
  }
  return target;
}

/**
 * Writes a file so that, whenever the process or the machine stops, `path` holds the old content or
 * the new one, whole: the bytes go to a file beside it, are synchronised to the disk, and the file is
 * renamed over `path`. A link stays, and what it leads to is written.
 *
 * @param path the file; its folder must exist
 * @throws LatentGpuError `io` if the file cannot be written (full disk, no permission); the old
 *   content is then untouched
 * @example await writeFileAtomic('runs/vae/notes.txt', 'the fourth of five');
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const target = await throughLinks(path);
  const folder = dirname(target);
  const partial = join(folder, partialName());
  try {
    await removeAbandoned(folder);
    await writeSynced(partial, content);
    await rename(partial, target);
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
  try {
    return await create(resolve(folder));
  } catch (cause) {
    throw ioError(`cannot create the folder ${folder}`, cause);
  }
}

/** Node.js's own `recursive` goes on for ever in some places, /proc among them. */
async function create(path: string): Promise<string[]> {
  let above: string[] = [];
  try {
    if ((await stat(path)).isDirectory()) return [];
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    above = await create(dirname(path));
  }
  try {
    await mkdir(path);
  } catch (cause) {
    // Somebody else was faster.
    if ((await stat(path).catch(() => undefined))?.isDirectory()) return above;
    throw cause;
  }
  await syncFolder(dirname(path));
  return [path, ...above];
}

/** Why nothing can be written into a folder, which need not be there yet; `undefined` if it seems to work. */
export async function obstacleTo(folder: string): Promise<string | undefined> {
  if (folder === '') return 'it has no name';
  for (let at = resolve(folder); ; at = dirname(at)) {
    try {
      if (!(await stat(at)).isDirectory()) return `${at} is a file, not a folder`;
      await access(at, constants.W_OK | constants.X_OK);
      return undefined;
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === 'ENAMETOOLONG') return 'its name is too long';
      if (code === 'EACCES' || code === 'EPERM') return `there is no permission to write to ${at}`;
      if (code === 'EROFS') return `${at} is on a read-only file system`;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') return message;
    }
  }
}

/** One that cannot be asked after is taken to be gone when its file is as old as this. */
const ABANDONED_MS = 24 * 3600 * 1000;

/** Removes the partial files that killed processes left; one that still runs keeps its own. */
export async function removeAbandoned(folder: string): Promise<void> {
  // A folder may be written to and yet not be looked into.
  for (const name of await readdir(folder).catch(() => [])) {
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
