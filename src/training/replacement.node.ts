// A run that is to replace a model: it lives in a folder of its own within the model's, which stays as it is
// until the run has come to something.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MODEL_FILE } from '../models/index.ts';
import { commitFolder, isCommitted } from './commit.node.ts';
import { NEXT_FOLDER, RECORD_FILE, RUN_FILES } from './run-files.ts';
import type { RunFolder } from './run-folder.node.ts';

/** Where a new run of a folder is written: beside the model that it replaces, if there is one. */
export async function placeOfNew(folder: string): Promise<string> {
  const next = join(folder, NEXT_FOLDER);
  await rm(next, { recursive: true, force: true });
  return (await isCommitted(folder, MODEL_FILE)) ? next : folder;
}

/** Where the run lies that `--resume` goes on with: the one that was to replace a model, if it has not yet. */
export async function placeOfRun(folder: string): Promise<string> {
  const next = join(folder, NEXT_FOLDER);
  return (await isCommitted(next, RECORD_FILE)) ? next : folder;
}

/**
 * Puts a run in the place of the model that it replaces, all at once.
 *
 * @throws LatentGpuError `io`; the old model is then as it was
 */
export async function takePlace(folder: string, place: string): Promise<void> {
  if (place !== folder) await commitFolder(folder, place, RUN_FILES);
}

/** Removes what a run has begun that can come to nothing, unless it has left a model where there was none. */
export async function abandon(folder: string, run: RunFolder): Promise<void> {
  if (run.path !== folder) await rm(run.path, { recursive: true, force: true });
  else await run.abandon();
}
