/** The rig's half inside Chrome: waits to be told which case to run. */
import { loadCases } from './all.ts';
import { CaseRunner } from './runner.ts';

export interface PageRig {
  start(): Promise<string>;
  /** Runs one case; returns what went wrong, or null. */
  run(suite: string, name: string): Promise<{ message: string; stack: string } | null>;
}

const runner = new CaseRunner();
const cases = await loadCases();

const rig: PageRig = {
  start: () => runner.start(),
  async run(suite, name) {
    try {
      const found = cases.find((each) => each.suite === suite && each.name === name);
      if (!found) throw new Error('the page has no such case');
      await runner.run(found);
      return null;
    } catch (error) {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      return { message, stack: stack ?? '' };
    }
  },
};

Object.assign(globalThis, { rig });
