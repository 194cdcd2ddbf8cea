/** What several files of tests need and none changes, made by the first of them in a run of the suite. */
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { lastChange } from './cli.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder that is gone after the run. */
    shared: string;
  }
}

/**
 * Makes a folder, unless a file of tests already has since the sources changed.
 *
 * @param name of what is made
 * @param make fills an empty folder
 * @returns the folder, to be read alone
 */
export async function once(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const shared = inject('shared');
  const made = join(shared, `${name}-${lastChange('demo', 'tests')}`);
  if (existsSync(made)) return made;
  const making = mkdtempSync(join(shared, 'making-'));
  await make(making);
  try {
    renameSync(making, made);
  } catch (error) {
    // Another file was at it, too, and was done before.
    if (!existsSync(made)) throw error;
    rmSync(making, { recursive: true });
  }
  return made;
}
