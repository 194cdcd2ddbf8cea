/** A Python that has PyTorch. */
import { execFileSync } from 'node:child_process';
import { fromDebian } from '../../src/device/install.ts';

function has(command: string): boolean {
  try {
    execFileSync(command, ['-c', 'import torch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const found = () => ['python3', '/usr/bin/python3'].find(has);

let known: string | undefined;

/**
 * The command of a Python with PyTorch, which is installed where that is possible (on Debian and Ubuntu, as
 * root).
 */
export function pythonWithTorch(): string {
  // Asked once: each Python that is tried loads PyTorch, for seconds.
  known ??= find();
  return known;
}

function find(): string {
  const there = found();
  if (there !== undefined) return there;
  const ways = { what: 'PyTorch', debian: 'python3-torch', isThere: () => found() !== undefined };
  const failure = fromDebian(ways, console.error);
  const installed = found();
  if (installed !== undefined) return installed;
  throw new Error(
    `no python3 here has PyTorch, which exported programs are tested with; install it with \`apt-get install python3-torch\` or \`pip install torch\` (${failure})`,
  );
}
