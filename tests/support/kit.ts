/** The kernel test kit as a stranger has it: the built package in a repository that was copied. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'vite';
import { ROOT } from './cli.ts';

/** What the example's package.json asks for, and what these types are written with. */
const INSTALLED = [
  'puppeteer',
  'typescript',
  'vite',
  'vitest',
  'webgpu',
  '@webgpu/types',
  '@types/node',
];

/** Copies tests/example and "installs" what it depends on. */
export async function installExample(folder: string): Promise<void> {
  cpSync(join(ROOT, 'tests/example'), folder, { recursive: true });
  const modules = join(folder, 'node_modules');
  for (const name of INSTALLED) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  const self = join(modules, 'latentgpu');
  mkdirSync(self);
  cpSync(join(ROOT, 'package.json'), join(self, 'package.json'));
  for (const mode of ['testing', 'testing-vitest', 'cli']) {
    const outDir = join(self, 'dist');
    await build({ root: ROOT, mode, logLevel: 'error', build: { outDir, emptyOutDir: false } });
  }
  const types = join(self, 'dist/types');
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  run(ROOT, tsc, ['-p', 'tsconfig.types.json', '--outDir', types]);
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a script of Node.js as a person would: without what this test run put into the environment. */
export function run(
  cwd: string,
  script: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Ended {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|FORCE_COLOR)/.test(name)),
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd,
    env: { ...env, NO_COLOR: '1', COLUMNS: '100', ...more },
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { code: status, stdout, stderr };
}
