/**
 * Writes `N passed, N failed` to the file that LATENTGPU_TEST_COUNT names, for scripts. What was
 * skipped counts as failed, unless tests were chosen by name; so does a file that does not load.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule, Vitest } from 'vitest/node';

export default class CountReporter implements Reporter {
  #chosenByName = false;

  onInit(vitest: Vitest): void {
    this.#chosenByName = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const file = process.env.LATENTGPU_TEST_COUNT;
    if (!file) return;
    let passed = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      const before = failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed' || !this.#chosenByName) failed += 1;
      }
      if (module.state() === 'failed' && failed === before) failed += 1;
    }
    if (modules.length === 0) failed += 1;
    writeFileSync(file, `${passed} passed, ${failed} failed\n`);
  }
}
