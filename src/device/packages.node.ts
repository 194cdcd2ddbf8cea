/**
 * Packages that users install beside this one, found where they may have put them: beside the program that
 * runs, installed for everybody perhaps, or in the project in whose folder it runs. This file's own place
 * tells nothing, for it may have become part of somebody's bundle.
 */
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Files from which packages are looked for. */
function places(): string[] {
  const program = process.argv[1];
  const project = join(process.cwd(), 'package.json');
  if (program === undefined) return [project];
  try {
    // What npm puts on the PATH is a link.
    return [realpathSync(program), project];
  } catch {
    return [project];
  }
}

/** What `take` gives at the first place where it finds its package; undefined if there is none. */
export function fromPackage<T>(take: (require: NodeJS.Require) => T | undefined): T | undefined {
  for (const place of places()) {
    try {
      const taken = take(createRequire(place));
      if (taken !== undefined) return taken;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return undefined;
}

/** Whether an import failed because a package is not there. */
export const isMissing = (error: unknown): boolean =>
  ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );
