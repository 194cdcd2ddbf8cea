import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LatentGpuError } from '../errors.ts';

let written = 0;

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
  const partial = join(folder, `.${basename(path)}.${process.pid}.${written++}.partial`);
  try {
    await removeAbandoned(folder, basename(path));
    const file = await open(partial, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (cause) {
    await unlink(partial).catch(() => undefined);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LatentGpuError('io', `cannot write ${path}: ${why}`);
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
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LatentGpuError('io', `cannot create the folder ${folder}: ${why}`);
  }
  await writeFileAtomic(join(folder, name), content);
}

/** Removes what a killed process left of the same file; one that still runs keeps its own. */
async function removeAbandoned(folder: string, name: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(`.${name}.`) || !entry.endsWith('.partial')) continue;
    const owner = Number(entry.slice(name.length + 2).split('.')[0]);
    if (!isRunning(owner)) await unlink(join(folder, entry)).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Makes the rename itself durable; some systems cannot open a folder, and then it is not needed. */
async function syncFolder(folder: string): Promise<void> {
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
