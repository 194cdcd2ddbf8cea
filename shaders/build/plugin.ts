import type { Plugin } from 'vite';
import { generateShaders, SHADERS, wgslFiles } from './generate.ts';

/**
 * Vite and Vitest plugin that keeps `src/kernels/shaders.gen.ts` true to the files under
 * `shaders/`: before anything else, and again whenever one of them changes.
 */
export function shaderPlugin(): Plugin {
  return {
    name: 'latentgpu:shaders',
    enforce: 'pre',
    config() {
      generateShaders();
    },
    configureServer(server) {
      const changed = (path: string) => {
        if (!path.endsWith('.wgsl')) return;
        try {
          generateShaders();
        } catch (error) {
          // An editor saves broken files all the time; the server must outlive them.
          server.config.logger.error(error instanceof Error ? error.message : String(error));
        }
      };
      server.watcher.add(SHADERS);
      for (const event of ['add', 'change', 'unlink'] as const) server.watcher.on(event, changed);
    },
    buildStart() {
      for (const file of wgslFiles()) this.addWatchFile(file);
    },
    watchChange(path) {
      if (path.endsWith('.wgsl')) generateShaders();
    },
  };
}
