import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { shaderPlugin } from './shaders/build/plugin.ts';
import { testingPagePlugin } from './src/testing/build/page-plugin.ts';

/** Every case on every engine: minutes each, much of it in compilers that know one core. */
const ENGINES = ['tests/{node,chrome,deno,firefox,lowest}.test.ts'];

/** Files of which so many run at a time; groups follow each other. */
function project(
  name: string,
  groupOrder: number,
  files: { include: string[]; exclude?: string[] },
  maxWorkers: number,
  env: Record<string, string> = {},
): TestProjectInlineConfiguration {
  return {
    plugins: [shaderPlugin(), testingPagePlugin()],
    test: {
      name,
      ...files,
      // A process each, because Dawn lives in one.
      pool: 'forks',
      maxWorkers,
      sequence: { groupOrder },
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

/** What `npm test` runs. */
const everyFile = [
  // The long ones first, so that nothing is left alone at the end.
  project('engines', 1, { include: ENGINES }, 2),
  // These wait most of the time, for processes, pages and compilers: two keep two cores busy.
  project('files', 2, { include: ['tests/*.test.ts'], exclude: ENGINES }, 2),
];

/** What `npm run test:engines` runs: every case on every engine and driver, for hours. */
const everyEngine = [
  project(
    'engines',
    1,
    { include: [...ENGINES, 'tests/firefox-pages.test.ts', 'tests/engines/*.test.ts'] },
    1,
    { LATENTGPU_TEST_CASES: 'all' },
  ),
];

export default defineConfig(({ mode }) => ({
  test: {
    projects: mode === 'engines' ? everyEngine : everyFile,
    globalSetup: ['tests/rig/setup.ts'],
    reporters: ['default', 'tests/rig/reporter.ts'],
    // A suite without tests would be a way of skipping them.
    passWithNoTests: false,
  },
}));
