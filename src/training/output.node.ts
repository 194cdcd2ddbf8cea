// Whether a run may write to a folder.
import { LatentGpuError } from '../errors.ts';
import { obstacleTo } from '../formats/atomic.node.ts';
import { isCommitted } from './commit.node.ts';
import { checkFree } from './lock.node.ts';
import { placeOfRun } from './replacement.node.ts';
import { CHECKPOINT_FILE, MODEL_FILES, RECORD_FILE, RUN_FILES } from './run-files.ts';

/** Where a run may write, checked before anything is written. */
export interface OutputChoice {
  readonly folder: string;
  readonly resume: boolean;
  readonly force: boolean;
}

/**
 * Makes sure that nobody's work is overwritten by accident.
 *
 * @throws LatentGpuError `bad-input` if the folder holds another model, or none to continue, or if
 *   another process writes to it
 */
export async function checkOutput({ folder, resume, force }: OutputChoice): Promise<void> {
  const why = await obstacleTo(folder);
  if (why) {
    throw new LatentGpuError(
      'bad-input',
      `cannot write to ${folder || "''"}: ${why}; choose another folder with --out`,
    );
  }
  await checkFree(folder);
  const present: string[] = [];
  const place = resume ? await placeOfRun(folder) : folder;
  for (const name of RUN_FILES) if (await isCommitted(place, name)) present.push(name);
  if (resume) {
    const missing = [RECORD_FILE, CHECKPOINT_FILE].find((name) => !present.includes(name));
    if (!missing) return;
    throw new LatentGpuError(
      'bad-input',
      `there is no run to continue in ${folder} (no ${missing}); leave out --resume, or name its folder with --out`,
    );
  }
  if (present.length === 0 || force) return;
  const what = MODEL_FILES.some((name) => present.includes(name))
    ? 'a model'
    : present.join(' and ');
  throw new LatentGpuError(
    'bad-input',
    `${folder} already holds ${what}; choose another folder with --out, continue it with --resume, or overwrite it with --force`,
  );
}
