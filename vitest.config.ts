import { defineConfig } from 'vitest/config';
import { shaderPlugin } from './shaders/build/plugin.ts';
import { testingPagePlugin } from './src/testing/build/page-plugin.ts';

export default defineConfig({
  plugins: [shaderPlugin(), testingPagePlugin()],
  test: {
    include: ['tests/**/*.test.ts'],
    // A repository of its own, which tests/testing.test.ts runs.
    exclude: ['tests/example/**'],
    // Results shall not depend on what this machine remembers, or on what it would measure.
    env: { LATENTGPU_TUNE: 'off' },
    globalSetup: ['tests/rig/setup.ts'],
    reporters: ['default', 'tests/rig/reporter.ts'],
    // A process each, because Dawn lives in one; one at a time, because both hosts of a software
    // adapter take every core.
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    disableConsoleIntercept: true,
    // A suite without tests would be a way of skipping them.
    passWithNoTests: false,
    allowOnly: false,
  },
});
