/** The rig's half inside Chrome: waits to be told which case to run. */
import { loadCases } from './all.ts';
import { CaseRunner } from './runner.ts';

export interface PageRig {
  start(): Promise<string>;
  /** Opens a device in a worker; returns a line that names its adapter, or the error. */
  startWorker(): Promise<string>;
  /** Runs one case; returns what went wrong, or null. */
  run(suite: string, name: string): Promise<{ message: string; stack: string } | null>;
}

const runner = new CaseRunner();
const cases = await loadCases();

const rig: PageRig = {
  start: () => runner.start(),
  startWorker() {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
  },
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
