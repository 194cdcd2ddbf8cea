// Where a user's own files are.
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** The home folder; of a user without any, as in containers that run under some number, one of temporary files. */
export function homeFolder(): string {
  try {
    const home = homedir();
    if (home !== '') return home;
  } catch {
    // HOME is not set, and the system knows no such user.
  }
  return join(tmpdir(), `latentgpu-${process.getuid?.() ?? 'user'}`);
}
