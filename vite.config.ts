import { builtinModules } from 'node:module';
import { defineConfig, type UserConfig } from 'vite';
import { shaderPlugin } from './shaders/build/plugin.ts';
import { bundledPlugin } from './src/build/bundled.ts';
import { namespaces, namespacesPlugin } from './src/build/namespaces.ts';
import { testingPagePlugin } from './src/testing/build/page-plugin.ts';

/**
 * One configuration for each thing that is built, chosen by `--mode`:
 * - `browser`: dist/modules, the library for pages and workers, without any dependency: a module a file, of which
 *   a bundler takes what a page uses
 * - `single`: dist/index.js, the same in one file, minified, for pages that are not bundled
 * - `sampler`: dist/sampler.js, what a page needs to draw from a trained model, minified
 * - `node`: dist/node.js, the same library on Dawn, with what reads and writes files, and dist/cli.js, the
 *   command line, on the same parts: a family that a user's module defines is one of the command line's
 * - `gpu`, `gpu-tests`: dist/gpu.js and dist/gpu-tests.js, for a machine that has a GPU and little else
 * - `testing`: dist/testing.js, the kernel test kit; `testing-vitest`: its matcher
 */
const targets: Record<string, UserConfig> = {
  browser: {
    plugins: [namespacesPlugin()],
    build: {
      emptyOutDir: true,
      license: licensesOf('modules'),
      // Nothing is minified, and a file of the source is one of these.
      sourcemap: false,
      rolldownOptions: {
        input: { index: 'src/index.ts', ...namespaces() },
        preserveEntrySignatures: 'strict',
        output: {
          preserveModules: true,
          preserveModulesRoot: 'src',
          // What npm leaves out of a package wherever it lies.
          entryFileNames: ({ name }) =>
            `modules/${name.replace(/^.*node_modules\//, 'packages/')}.js`,
        },
      },
    },
  },
  single: {
    build: {
      emptyOutDir: false,
      license: licensesOf('index'),
      sourcemap: false,
      lib: { entry: 'src/index.ts', formats: ['es'], fileName: () => 'index.js' },
      rolldownOptions: { output: { minify: true } },
    },
  },
  sampler: {
    build: {
      emptyOutDir: false,
      lib: { entry: 'src/sampler/index.ts', formats: ['es'], fileName: () => 'sampler.js' },
      // A page loads these files as they are: no bundler makes them smaller. What plays programs comes
      // when there is one, and shares what the entry has.
      rolldownOptions: {
        preserveEntrySignatures: 'allow-extension',
        output: { minify: true, chunkFileNames: 'sampler-program.js' },
      },
    },
  },
  node: toBundle(onNode({ node: 'src/node.ts', cli: 'src/cli/main.ts' })),
  gpu: onNode({ gpu: 'bench/gpu/main.ts' }),
  'gpu-tests': onNode({ 'gpu-tests': 'bench/gpu/tests.ts' }),
  testing: toBundle(onNode({ testing: 'src/testing/index.ts' })),
  'testing-vitest': onNode({ 'testing-vitest': 'src/testing/vitest.ts' }),
};

/** @param input files to build, by their names without `.js`; several share what they have in common */
function onNode(input: Record<string, string>): UserConfig {
  const isAlone = Object.keys(input).length === 1;
  return {
    // Outside stay Dawn, a binary of 132 MB, and what drives a browser and runs tests: whoever wants
    // them installs them.
    ssr: { noExternal: true, external: ['webgpu', 'puppeteer', 'vitest', ...builtinModules] },
    build: {
      emptyOutDir: false,
      ssr: true,
      rolldownOptions: {
        input,
        output: {
          entryFileNames: '[name].js',
          chunkFileNames: 'part-[hash].js',
          ...(isAlone && { codeSplitting: false }),
        },
      },
    },
  };
}

/** Beside a file lie the licences of the packages that are in it. */
function licensesOf(name: string) {
  return { fileName: `${name}-licenses.md` };
}

/** What is imported may end in somebody's bundle. */
function toBundle(config: UserConfig): UserConfig {
  const [name = ''] = Object.keys(config.build?.rolldownOptions?.input ?? {});
  return {
    ...config,
    build: { ...config.build, license: licensesOf(name) },
    plugins: [bundledPlugin(['cli'])],
    // The package's other build asks Node.js for threads while it loads.
    resolve: { alias: { fflate: 'fflate/browser' } },
  };
}

export default defineConfig(({ mode }) => {
  const target = targets[mode];
  if (!target) {
    throw new Error(`--mode is "${mode}"; it may be ${Object.keys(targets).join(', ')}`);
  }
  return {
    ...target,
    plugins: [shaderPlugin(), testingPagePlugin(), ...(target.plugins ?? [])],
    build: {
      ...target.build,
      rolldownOptions: {
        ...target.build?.rolldownOptions,
        // How long plugins take on a busy machine is no warning to who installs.
        checks: { bundlerTimings: false },
      },
      outDir: 'dist',
      target: 'es2023',
      minify: false,
      sourcemap: target.build?.sourcemap ?? true,
      copyPublicDir: false,
    },
  };
});
