/** The rig's half outside another program: bundles the cases and has the program run them. */
import { fileURLToPath } from 'node:url';
import { isLatentGpuError } from '../../src/errors.ts';
import { bundlePage } from '../../src/testing/build/page-plugin.ts';
import { Remote } from '../../src/testing/remote.ts';
import { type Elsewhere, STARTS } from '../../src/testing/starts.ts';
import type { Case } from './cases.ts';
import type { RigPage } from './page.ts';

/** Opening a device compiles nothing; a browser that is slow to start is slow here. */
const START_MILLISECONDS = 60_000;

/** The page's scripts, the same for all. */
let bundled: ReturnType<typeof bundlePage> | undefined;

/** Chrome, Firefox or Deno with the cases loaded. Close it, whatever happens. */
export class RemoteRig {
  readonly #remote: Remote<RigPage>;

  private constructor(remote: Remote<RigPage>) {
    this.#remote = remote;
  }

  static async open(kind: Elsewhere): Promise<RemoteRig> {
    bundled ??= bundlePage(fileURLToPath(new URL('./page.ts', import.meta.url)));
    return new RemoteRig(await Remote.open<RigPage>(STARTS[kind], { files: await bundled }));
  }

  /** Opens the device; returns a line that names the adapter. */
  async start(): Promise<string> {
    const line = await this.#remote.call('start', [], START_MILLISECONDS);
    return `${line}, ${await this.#remote.version()}`;
  }

  /** Opens a device in a worker; returns a line that names the adapter. */
  startWorker(): Promise<string> {
    return this.#remote.call('startWorker', [], START_MILLISECONDS);
  }

  /** Trains two models; returns the losses by the models' names. */
  losses(): Promise<Record<string, number[]>> {
    return this.#remote.call('losses', [], START_MILLISECONDS);
  }

  /** A suite has ended. */
  leave(suite: string): Promise<void> {
    return this.#remote.call('leave', [suite], START_MILLISECONDS);
  }

  /** The page has a timeout of its own; the one here is for a page that hangs or has crashed. */
  async run({ suite, name, timeout }: Case): Promise<void> {
    const ask = () => this.#remote.call('run', [suite, name, timeout], timeout + 5_000);
    const began = performance.now();
    await ask().catch((error) => {
      // Cases that are under way together lose their page with the one that hangs. That one has had its time.
      const isInnocent =
        isLatentGpuError(error, 'device-lost') && performance.now() - began < timeout;
      if (!isInnocent) throw error;
      console.log(`${suite} > ${name} is asked again: ${error.message}`);
      return ask();
    });
  }

  async close(): Promise<void> {
    await this.#remote.close();
  }
}
