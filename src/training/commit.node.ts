// Files of a folder that change together: after a kill at any moment all of them are old or all new.
// They are written into a folder of their own, which is renamed when it is whole (from then on they
// count), and moved to their places. Whoever reads, or writes next, finds what was not moved yet.
import { mkdir, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent } from '../data/files.node.ts';
import { ioError, makeFolder, syncFolder, writeSynced } from '../formats/atomic.node.ts';

const STAGED = '.saving';
const COMMITTED = '.saved';
/** Stands for a file that is to go. */
const REMOVED = '.removed';

/** What files are to hold; `null`: they are to go. */
export type Changes = Readonly<Record<string, Uint8Array | string | null>>;

/**
 * Changes files of a folder, which is created if need be, all at once. Nobody else may write to the
 * folder at the same time.
 *
 * @throws LatentGpuError `io` if they cannot be written (full disk, no permission): all are then as
 *   they were
 */
export async function commitFiles(folder: string, changes: Changes): Promise<void> {
  await makeFolder(folder);
  await settleFiles(folder);
  const staged = join(folder, STAGED);
  let path = folder;
  try {
    await mkdir(staged);
    for (const [name, content] of Object.entries(changes)) {
      path = join(folder, name);
      await writeSynced(join(staged, content === null ? name + REMOVED : name), content ?? '');
    }
    await syncFolder(staged);
    await rename(staged, join(folder, COMMITTED));
  } catch (cause) {
    await rm(staged, { recursive: true, force: true }).catch(() => undefined);
    throw ioError(`cannot write ${path}`, cause);
  }
  await syncFolder(folder);
  await settleFiles(folder);
}

/**
 * The same of files that lie in a folder of their own already, which goes.
 *
 * @param ready the folder, within the other
 * @param names of files that are to go where `ready` has none
 * @throws LatentGpuError `io`: all are then as they were
 */
export async function commitFolder(
  folder: string,
  ready: string,
  names: readonly string[],
): Promise<void> {
  await settleFiles(folder);
  await settleFiles(ready);
  try {
    for (const name of names) {
      if ((await isThere(join(ready, name))) || !(await isThere(join(folder, name)))) continue;
      const mark = join(ready, name + REMOVED);
      await rm(mark, { force: true });
      await writeSynced(mark, '');
    }
    await syncFolder(ready);
    await rename(ready, join(folder, COMMITTED));
  } catch (cause) {
    throw ioError(`cannot write ${folder}`, cause);
  }
  await syncFolder(folder);
  await settleFiles(folder);
}

/** Folders that are there while files change, or after a process was killed. */
export const CHANGING: readonly string[] = [STAGED, COMMITTED];

/**
 * Finishes what a killed process had committed, and clears away what it had not.
 *
 * @throws LatentGpuError `io`
 */
export async function settleFiles(folder: string): Promise<void> {
  const committed = join(folder, COMMITTED);
  try {
    await rm(join(folder, STAGED), { recursive: true, force: true });
    const names = await readdir(committed).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined;
      throw cause;
    });
    if (!names) return;
    for (const name of names) {
      const from = join(committed, name);
      if (name.endsWith(REMOVED)) {
        await rm(join(folder, name.slice(0, -REMOVED.length)), { force: true });
        await unlink(from);
      } else {
        await rename(from, join(folder, name));
      }
    }
    await syncFolder(folder);
    await rmdir(committed);
  } catch (cause) {
    throw ioError(`cannot write to ${folder}`, cause);
  }
}

/**
 * Reads a file of a folder whose files change together; `undefined` if there is none.
 *
 * @throws LatentGpuError `io`, `out-of-memory`
 */
export async function readCommitted(folder: string, name: string): Promise<Uint8Array | undefined> {
  const moved = await readIfPresent(join(folder, COMMITTED, name));
  if (moved) return moved;
  if (await isThere(join(folder, COMMITTED, name + REMOVED))) return undefined;
  return await readIfPresent(join(folder, name));
}

/** The same of a text. */
export async function readCommittedText(folder: string, name: string): Promise<string | undefined> {
  const bytes = await readCommitted(folder, name);
  return bytes && new TextDecoder().decode(bytes);
}

/** Whether there is such a file. */
export async function isCommitted(folder: string, name: string): Promise<boolean> {
  if (await isThere(join(folder, COMMITTED, name))) return true;
  if (await isThere(join(folder, COMMITTED, name + REMOVED))) return false;
  return await isThere(join(folder, name));
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
