import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';

const NAME = 'virtual:latentgpu-testing-page';
const RESOLVED = `\0${NAME}`;

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Keeps modules that are there for what they do: the package's word on side effects is about what is built. */
const wholePlugin: Plugin = {
  name: 'latentgpu:whole',
  enforce: 'post',
  transform: () => ({ moduleSideEffects: true }),
};

/**
 * Bundles a page's script and what it imports, in memory.
 *
 * @returns the files by their paths; `/page.js` is the script
 */
export async function bundlePage(input: string): Promise<Map<string, string>> {
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    root: path('../../..'),
    // In Deno the scripts lie in a folder of any name.
    base: './',
    worker: { format: 'es' },
    plugins: [wholePlugin],
    build: {
      write: false,
      minify: false,
      target: 'esnext',
      modulePreload: false,
      rolldownOptions: { input, output: { entryFileNames: 'page.js' } },
    },
  });
  if (!('output' in built)) throw new Error('Vite returned something other than one bundle');
  return new Map(
    built.output.map((file) => [
      `/${file.fileName}`,
      file.type === 'chunk' ? file.code : String(file.source),
    ]),
  );
}

/** Vite and Vitest plugin that gives src/testing/chrome-host.ts the script of src/testing/page.ts. */
export function testingPagePlugin(): Plugin {
  return {
    name: 'latentgpu:testing-page',
    resolveId: (id) => (id === NAME ? RESOLVED : undefined),
    async load(id) {
      if (id !== RESOLVED) return undefined;
      const script = (await bundlePage(path('../page.ts'))).get('/page.js');
      return `export default ${JSON.stringify(script)};`;
    },
  };
}
