import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const ENTRY = fileURLToPath(new URL('../index.ts', import.meta.url));

/** Where the library hands on a folder as a namespace: `export * as ops from './ops/index.ts'`. */
const NAMESPACE = /^export \* as \w+ from '\.\/(\w+\/index)\.ts';$/gm;

/** The folders that are namespaces of the library, as entries: `{ 'ops/index': 'src/ops/index.ts' }`. */
export function namespaces(): Record<string, string> {
  const names = [...readFileSync(ENTRY, 'utf8').matchAll(NAMESPACE)].map(([, name]) => `${name}`);
  return Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]));
}

/**
 * Vite plugin that leaves the library's namespaces the statements that they are in the source. As objects, which they
 * would become, they hold all of a folder, and no bundler tells which part of it a page uses.
 */
export function namespacesPlugin(): Plugin {
  const paths = new Set(Object.keys(namespaces()).map((name) => `./${name}.ts`));
  return {
    name: 'latentgpu:namespaces',
    enforce: 'pre',
    resolveId(source, importer) {
      if (importer !== ENTRY || !paths.has(source)) return null;
      return { id: source.replace(/\.ts$/, '.js'), external: true };
    },
  };
}
