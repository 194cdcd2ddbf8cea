/** The kernel test kit as a stranger has it: the built package in a repository that was copied. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './cli.ts';
import { installPackage, link } from './package.ts';

/** Copies tests/example and "installs" what it depends on. */
export async function installExample(folder: string): Promise<void> {
  cpSync(join(ROOT, 'tests/example'), folder, { recursive: true });
  link(folder, ['puppeteer', 'typescript', 'vite', 'vitest', 'webgpu', '@types/node']);
  await installPackage(folder, ['testing', 'testing-vitest', 'node']);
}
