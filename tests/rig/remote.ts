/** The rig's half outside another program: bundles the cases and has the program run them. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isLatentGpuError } from '../../src/errors.ts';
import { bundlePage } from '../../src/testing/build/page-plugin.ts';
import { Remote } from '../../src/testing/remote.ts';
import { type Elsewhere, STARTS } from '../../src/testing/starts.ts';
import type { Losses } from '../support/losses.ts';
import { once } from '../support/once.ts';
import type { Case } from './cases.ts';
import type { RigPage } from './page.ts';

/** Opening a device compiles nothing; a browser that is slow to start is slow here. */
const START_MILLISECONDS = 60_000;
/** Short trainings compile a hundred kernels, beside whatever else the machine does. */
const TRAINING_MILLISECONDS = 150_000;

/** The page's scripts by their paths, the same for all. */
async function scripts(): Promise<Map<string, string>> {
  const page = fileURLToPath(new URL('./page.ts', import.meta.url));
  const folder = await once('rig', async (into) => {
    for (const [path, text] of await bundlePage(page)) {
      mkdirSync(dirname(join(into, path)), { recursive: true });
      writeFileSync(join(into, path), text);
    }
  });
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return new Map(
    files.map((name) => [
      `/${name.split(sep).join('/')}`,
      readFileSync(join(folder, name), 'utf8'),
    ]),
  );
}

/** Chrome, Firefox or Deno with the cases loaded. Close it, whatever happens. */
export class RemoteRig {
  readonly #remote: Remote<RigPage>;

  private constructor(remote: Remote<RigPage>) {
    this.#remote = remote;
  }

  static async open(kind: Elsewhere): Promise<RemoteRig> {
    return new RemoteRig(await Remote.open<RigPage>(STARTS[kind], { files: await scripts() }));
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

  /** Trains small models twice; returns the losses of both runs by the models' names. */
  losses(): Promise<[Losses, Losses]> {
    return this.#remote.call('losses', [], TRAINING_MILLISECONDS);
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
