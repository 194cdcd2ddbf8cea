/** A Python that has PyTorch. */
import { execFileSync } from 'node:child_process';

const PROBE = ['-c', 'import torch'];

function has(command: string): boolean {
  try {
    execFileSync(command, PROBE, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const CANDIDATES = ['python3', '/usr/bin/python3'];

/**
 * The command of a Python with PyTorch, which is installed where that is possible (on Debian and Ubuntu, as
 * root).
 */
export function pythonWithTorch(): string {
  const there = CANDIDATES.find(has);
  if (there !== undefined) return there;
  try {
    const install = ['install', '-y', '--no-install-recommends', 'python3-torch'];
    execFileSync('apt-get', install, {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  } catch {
    // What is wrong is told below.
  }
  const installed = CANDIDATES.find(has);
  if (installed !== undefined) return installed;
  throw new Error(
    'no python3 here has PyTorch, which exported programs are tested with; install it with `apt-get install python3-torch` or `pip install torch`',
  );
}
