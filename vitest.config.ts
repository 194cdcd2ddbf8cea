import { spawnSync } from 'node:child_process';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { shaderPlugin } from './shaders/build/plugin.ts';
import { testingPagePlugin } from './src/testing/build/page-plugin.ts';
import LongestFirst from './tests/rig/sequencer.ts';

// A compiler frees what it took for each shader. Where the C library gives that back to the system each
// time (glibc does), the pages that the next one touches are a tenth of what compiling takes.
process.env.MALLOC_TRIM_THRESHOLD_ ??= String(256 << 20);
process.env.MALLOC_MMAP_THRESHOLD_ ??= String(32 << 20);

/**
 * Most files take seconds, of which V8 takes a sixth to optimise what is soon over: it is to see functions
 * run seven times as long before. Not every version has a word for it.
 */
const patientV8 = ['--interrupt-budget=1000000'].filter(
  (flag) => spawnSync(process.execPath, [flag, '--eval', '0']).status === 0,
);

/** Every case on every engine: minutes each, much of it in compilers that know one core. */
const ENGINES = ['tests/{node,chrome,deno,firefox,lowest}.test.ts'];

/** Files of which so many run at a time. */
function project(
  name: string,
  include: string[],
  maxWorkers: number,
  env: Record<string, string> = {},
): TestProjectInlineConfiguration {
  return {
    plugins: [shaderPlugin(), testingPagePlugin()],
    test: {
      name,
      include,
      // A process each, because Dawn lives in one.
      pool: 'forks',
      execArgv: patientV8,
      maxWorkers,
      // Results shall not depend on what this machine remembers, or on what it would measure.
      env: { LATENTGPU_TUNE: 'off', ...env },
      // Pages bring their style sheets as text.
      css: true,
      testTimeout: 60_000,
      disableConsoleIntercept: true,
      allowOnly: false,
    },
  };
}

/** What `npm test` runs: two files keep two cores busy, whatever they wait for. */
const everyFile = project('files', ['tests/*.test.ts'], 2);

/** What `npm run test:engines` runs: every case on every engine and driver, for hours. */
const everyEngine = project(
  'engines',
  [...ENGINES, 'tests/firefox-pages.test.ts', 'tests/engines/*.test.ts'],
  1,
  { LATENTGPU_TEST_CASES: 'all' },
);

export default defineConfig(({ mode }) => ({
  test: {
    projects: [mode === 'engines' ? everyEngine : everyFile],
    sequence: { sequencer: LongestFirst },
    globalSetup: ['tests/rig/setup.ts'],
    reporters: ['default', 'tests/rig/reporter.ts'],
    // A suite without tests would be a way of skipping them.
    passWithNoTests: false,
  },
}));
