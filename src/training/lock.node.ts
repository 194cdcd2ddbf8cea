// One process at a time writes to a run's folder.
//
// The lock is a folder `.lock` with one file in it, which says who holds it; the name of the file is
// used once and never again. It is made elsewhere and renamed, which succeeds only where there is no
// `.lock`, or an empty one: of several processes, one gets it, and it is never seen without its file.
// A process that is gone loses its lock by the removal of *its* file: whoever took the lock meanwhile
// has a file of another name, and keeps it. No step needs more than rename, mkdir, unlink and rmdir.
import { randomUUID } from 'node:crypto';
import { rmdirSync, unlinkSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { ioError, makeFolder, removeAbandoned, writeSynced } from '../formats/atomic.node.ts';
import { lifeOf, type Owner, partialName, thisProcess } from '../formats/owner.node.ts';

const LOCK = '.lock';
/** Takers that lose to one another go on trying; a folder that keeps changing hands is not free. */
const ATTEMPTS = 100;

interface Holder extends Owner {
  /** When it took the folder. */
  readonly since: string;
}

/** The files of the locks that this process holds. */
const own = new Set<string>();

/**
 * Does work that writes to a folder, which is created if need be, while nobody else does.
 *
 * @throws LatentGpuError `bad-input` if another process holds it, `io` if it cannot be written
 * @example await holdingFolder('runs/vae', () => new RunFolder('runs/vae').report({ epoch: 1 }));
 */
export async function holdingFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const created = await makeFolder(folder);
  const file = await acquire(folder);
  const leave = () => {
    attempt(() => unlinkSync(join(folder, LOCK, file)));
    attempt(() => rmdirSync(join(folder, LOCK)));
  };
  own.add(file);
  process.on('exit', leave);
  try {
    return await work();
  } finally {
    leave();
    process.off('exit', leave);
    own.delete(file);
    // Folders into which nothing was written, after all.
    for (const path of created) attempt(() => rmdirSync(path));
  }
}

/**
 * Makes sure that no other process writes to a folder.
 *
 * @throws LatentGpuError `bad-input`
 */
export async function checkFree(folder: string): Promise<void> {
  const found = await findHolder(folder);
  if (found && !own.has(found.file)) refuse(folder, found.holder);
}

function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // It is not there, not empty, or not ours any more.
  }
}

/** @returns the name of this process's file in the lock */
async function acquire(folder: string): Promise<string> {
  const lock = join(folder, LOCK);
  const mine = join(folder, partialName());
  const file = `${randomUUID()}.json`;
  try {
    await removeAbandoned(folder);
    await mkdir(mine);
    const holder: Holder = { ...thisProcess(), since: new Date().toISOString() };
    await writeSynced(join(mine, file), `${JSON.stringify(holder)}\n`);
    for (let i = 0; i < ATTEMPTS; i++) {
      if (await renamed(mine, lock)) return file;
      const found = await findHolder(folder);
      if (!found) {
        // Released, or its process was killed while it released it.
        await rmdir(lock).catch(() => undefined);
      } else if (found.holder && lifeOf(found.holder) === 'gone') {
        await rm(join(lock, found.file), { force: true });
      } else {
        refuse(folder, found.holder);
      }
    }
    throw new LatentGpuError('bad-input', `${folder} is wanted by other processes; try again`);
  } catch (cause) {
    await rm(mine, { recursive: true, force: true }).catch(() => undefined);
    throw ioError(`cannot write to ${folder}`, cause);
  }
}

/** Renames a folder to one that is not there, or empty; `false` if it is taken. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    // Windows refuses any folder that is there.
    if (code === 'EPERM' && process.platform === 'win32') return false;
    throw cause;
  }
}

/** Who holds a folder; without `holder` if its file cannot be understood. */
async function findHolder(
  folder: string,
): Promise<{ file: string; holder: Holder | undefined } | undefined> {
  const lock = join(folder, LOCK);
  const [file] = await readdir(lock).catch(() => []);
  if (file === undefined) return undefined;
  try {
    const holder = JSON.parse(await readFile(join(lock, file), 'utf8'));
    const isWhole = typeof holder?.pid === 'number' && typeof holder.since === 'string';
    return { file, holder: isWhole ? holder : undefined };
  } catch (cause) {
    // Released since.
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return { file, holder: undefined };
  }
}

/** Refuses a folder that another process holds, or may hold; one that is gone holds nothing. */
function refuse(folder: string, holder: Holder | undefined): void {
  const byHand = `if nothing writes to it any more, remove ${join(folder, LOCK)}`;
  if (!holder) {
    throw new LatentGpuError('bad-input', `${folder} is held by an unknown process; ${byHand}`);
  }
  const life = lifeOf(holder);
  if (life === 'gone') return;
  const { pid, host } = holder;
  const since = `since ${holder.since.replace(/\.\d+Z$/, 'Z')}`;
  throw new LatentGpuError(
    'bad-input',
    life === 'running'
      ? `${folder} is being written by process ${pid} ${since}; wait for it to end, stop it, or choose another folder with --out`
      : `${folder} is held by process ${pid} on ${host} ${since}, which cannot be asked from here; ${byHand}`,
  );
}
