/** The package as it is published, in a folder of node_modules. */
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'vite';
import { ROOT } from './cli.ts';
import { once } from './once.ts';
import { run } from './run-script.ts';

/** What `npm run build` builds. */
export const LIBRARIES = [
  'browser',
  'single',
  'sampler',
  'node',
  'testing',
  'testing-vitest',
] as const;

/** Writes the declarations into a folder. */
export function buildDeclarations(types: string): void {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  for (const [script, args] of [
    [tsc, ['-p', 'tsconfig.types.json', '--outDir', types]],
    [join(ROOT, 'src/build/declarations.mjs'), [types]],
  ] as const) {
    const { code, stdout, stderr } = run(ROOT, script, args);
    if (code !== 0) throw new Error(stdout + stderr);
  }
}

/**
 * Puts this package into `node_modules` below a folder: its parts of those modes, and its declarations.
 *
 * @returns the package's folder
 */
export async function installPackage(folder: string, modes: readonly string[]): Promise<string> {
  const self = join(folder, 'node_modules/latentgpu');
  mkdirSync(self, { recursive: true });
  for (const name of ['package.json', 'README.md', 'LICENSE', 'NOTICE']) {
    cpSync(join(ROOT, name), join(self, name));
  }
  for (const mode of modes) {
    const built = await once(`package-${mode}`, async (outDir) => {
      await build({ root: ROOT, mode, logLevel: 'error', build: { outDir } });
    });
    cpSync(built, join(self, 'dist'), { recursive: true });
  }
  const types = await once('declarations', async (folder) => buildDeclarations(folder));
  cpSync(types, join(self, 'dist/types'), { recursive: true });
  return self;
}

/** "Installs" packages that this one is developed with. */
export function link(folder: string, names: readonly string[]): void {
  const modules = join(folder, 'node_modules');
  for (const name of names) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
}
