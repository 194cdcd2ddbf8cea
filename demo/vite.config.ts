import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { shaderPlugin } from '../shaders/build/plugin.ts';
import { PAGES } from './site/pages.ts';
import { sitePlugin } from './site/plugin.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The demo's pages: `npm run demo` serves them, `npm run demo:build` writes them to demo/dist. */
export default defineConfig({
  root: here('.'),
  // Relative paths, so that the pages can be put into any folder of a server.
  base: './',
  plugins: [shaderPlugin(), sitePlugin()],
  worker: { format: 'es' },
  server: { fs: { allow: ['..'] } },
  build: {
    target: 'es2023',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: PAGES.map(({ file }) => here(file)) },
  },
});
