/** The rig's half inside a browser or Deno: waits to be told which case to run. */
import { expose } from '../../src/testing/expose.ts';
import { twiceTrained } from '../support/losses.ts';
import { loadCases } from './all.ts';
import { CaseRunner } from './runner.ts';

const runner = new CaseRunner({}, true);
const cases = await loadCases();

const rig = {
  start: () => runner.start(),
  /** Opens a device in a worker; returns a line that names its adapter, or the error. */
  startWorker(): Promise<string> {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
  },
  losses: () => twiceTrained(),
  leave: (suite: string) => runner.leave(suite),
  async run(suite: string, name: string, timeout: number): Promise<void> {
    const found = cases.find((each) => each.suite === suite && each.name === name);
    if (!found) throw new Error('the page has no such case');
    await runner.run({ ...found, timeout });
  },
};

export type RigPage = typeof rig;

expose(rig);
