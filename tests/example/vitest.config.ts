import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Processes, because Dawn lives in one; one at a time, because they share the adapter.
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
  },
});
