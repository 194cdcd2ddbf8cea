import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { shaderPlugin } from '../shaders/build/plugin.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The demo's pages: `npm run demo` serves them, `npm run demo:build` writes them to demo/dist. */
export default defineConfig({
  root: here('.'),
  // Relative paths, so that the pages can be put into any folder of a server.
  base: './',
  plugins: [shaderPlugin()],
  worker: { format: 'es' },
  server: { fs: { allow: ['..'] } },
  build: {
    target: 'es2023',
    emptyOutDir: true,
    modulePreload: false,
    rolldownOptions: { input: [here('index.html'), here('bench.html')] },
  },
});
