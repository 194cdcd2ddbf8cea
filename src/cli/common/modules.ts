// Modules of the user's that a command is to know: families of their own.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LatentGpuError } from '../../errors.ts';
import { familyNames, foreignFamilies } from '../../models/index.ts';

const FLAG = '--with';

/**
 * Loads the modules that stand before the command, `--with a.mjs --with b.mjs train …`; the rest.
 *
 * @throws LatentGpuError `bad-input` for a module that is not there, fails, or defines nothing
 */
export async function loadModules(args: readonly string[]): Promise<readonly string[]> {
  let rest = args;
  for (;;) {
    const [first, second] = rest;
    const isJoined = first?.startsWith(`${FLAG}=`);
    if (first !== FLAG && !isJoined) return rest;
    const path = isJoined ? first?.slice(FLAG.length + 1) : second;
    if (!path)
      throw new LatentGpuError('bad-input', `${FLAG}: name a module, as in ${FLAG} ./mine.mjs`);
    await load(path);
    rest = rest.slice(isJoined ? 1 : 2);
  }
}

async function load(path: string): Promise<void> {
  const before = familyNames().length;
  try {
    await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LatentGpuError('bad-input', `${FLAG} ${path}: ${why.split('\n')[0]}`);
  }
  if (familyNames().length > before) return;
  const foreign = foreignFamilies();
  throw new LatentGpuError(
    'bad-input',
    foreign.length > 0
      ? `${FLAG} ${path}: it defines ${foreign.join(', ')} with another copy of latentgpu than this one; run the command line of its own project, as in \`npx latentgpu\``
      : `${FLAG} ${path}: it defines no family; call defineFamily in it`,
  );
}
