/** The rig's half outside Chrome: bundles the cases and has the page run them. */
import { fileURLToPath } from 'node:url';
import { bundlePage } from '../../src/testing/build/page-plugin.ts';
import { ChromePage } from '../../src/testing/chrome.ts';
import type { Case } from './cases.ts';
import type { RigPage } from './page.ts';

export { launchBrowser } from '../../src/testing/chrome.ts';

/** Opening a device compiles nothing; a browser that is slow to start is slow here. */
const START_MILLISECONDS = 60_000;

/** Chrome with the cases loaded. Close it, whatever happens. */
export class ChromeHost {
  readonly #page: ChromePage<RigPage>;

  private constructor(page: ChromePage<RigPage>) {
    this.#page = page;
  }

  static async open(): Promise<ChromeHost> {
    const files = await bundlePage(fileURLToPath(new URL('./page.ts', import.meta.url)));
    return new ChromeHost(await ChromePage.open<RigPage>({ files }));
  }

  /** Opens the page and its device; returns a line that names the adapter. */
  async start(): Promise<string> {
    const line = await this.#page.call('start', [], START_MILLISECONDS);
    return `${line}, ${await this.#page.version()}`;
  }

  /** Opens a device in a worker of the page; returns a line that names the adapter. */
  startWorker(): Promise<string> {
    return this.#page.call('startWorker', [], START_MILLISECONDS);
  }

  /** The page has a timeout of its own; the one here is for a page that hangs or has crashed. */
  async run({ suite, name, timeout }: Case): Promise<void> {
    await this.#page.call('run', [suite, name], timeout + 5_000);
  }

  async close(): Promise<void> {
    await this.#page.close();
  }
}
