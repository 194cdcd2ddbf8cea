import { builtinModules } from 'node:module';
import { defineConfig, type UserConfig } from 'vite';
import { shaderPlugin } from './shaders/build/plugin.ts';

/**
 * One configuration for each thing that is built, chosen by `--mode`:
 * - `browser`: dist/index.js, the library for pages and workers, without any dependency
 * - `node`: dist/node.js, the same library on Dawn, with what reads and writes files
 * - `cli`: dist/cli.js, the command line in one file
 */
const targets: Record<string, UserConfig> = {
  browser: {
    build: {
      emptyOutDir: true,
      lib: { entry: 'src/index.ts', formats: ['es'], fileName: () => 'index.js' },
    },
  },
  node: onNode('src/node.ts', 'node.js'),
  cli: onNode('src/cli/main.ts', 'cli.js'),
};

function onNode(entry: string, file: string): UserConfig {
  return {
    // Only Dawn stays outside: a binary of 132 MB that whoever wants it installs.
    ssr: { noExternal: true, external: ['webgpu', ...builtinModules] },
    build: {
      emptyOutDir: false,
      ssr: entry,
      rolldownOptions: { output: { entryFileNames: file, codeSplitting: false } },
    },
  };
}

export default defineConfig(({ mode }) => {
  const target = targets[mode];
  if (!target) {
    throw new Error(`--mode is "${mode}"; it may be ${Object.keys(targets).join(', ')}`);
  }
  return {
    ...target,
    plugins: [shaderPlugin()],
    build: {
      ...target.build,
      outDir: 'dist',
      target: 'es2023',
      minify: false,
      sourcemap: true,
      copyPublicDir: false,
    },
  };
});
