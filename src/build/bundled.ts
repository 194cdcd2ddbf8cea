import type { Plugin } from 'vite';

const REQUIRE = /^var __require = .*createRequire\(import\.meta\.url\).*$/m;
const IMPORT = /^import \{ createRequire \} from "node:module";$/m;

/** Without line breaks before it that would shift the source map. */
const OUTSIDE =
  'function importOutside(name) { return import(/* webpackIgnore: true */ /* @vite-ignore */ name); }\n';

/**
 * Vite plugin that makes what is built for Node.js fit to be bundled once more, as CommonJS too, where
 * `import.meta.url` is undefined. Packages in it that call `require` want modules of Node.js, which
 * the process hands out itself. What is imported when it is needed, a binary or what drives a browser,
 * is left to Node.js: bundlers follow no name that they do not see.
 *
 * @param programs entries that are run and not imported
 */
export function bundledPlugin(programs: readonly string[] = []): Plugin {
  return {
    name: 'latentgpu:bundled',
    renderChunk(code, { isEntry, name }) {
      let own = code.replace(REQUIRE, 'var __require = (name) => process.getBuiltinModule(name);');
      if (!own.includes('createRequire(')) own = own.replace(IMPORT, '');
      own = own.replace(/\bimport\((?=["'](?:webgpu|puppeteer)["']\))/g, 'importOutside(');
      if (own.includes('importOutside(')) own += OUTSIDE;
      // Nobody bundles a program.
      if (own.includes('import.meta') && !(isEntry && programs.includes(name))) {
        throw new Error('what is built for others to bundle must do without import.meta');
      }
      return { code: own, map: null };
    },
  };
}
