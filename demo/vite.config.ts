import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { shaderPlugin } from '../shaders/build/plugin.ts';

/** The demo page: `npm run demo` serves it, `npm run demo:build` writes it to demo/dist. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Relative paths, so that the page can be put into any folder of a server.
  base: './',
  plugins: [shaderPlugin()],
  worker: { format: 'es' },
  server: { fs: { allow: ['..'] } },
  build: { target: 'es2023', emptyOutDir: true, modulePreload: false },
});
