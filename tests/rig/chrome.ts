/** The rig's half outside Chrome: bundles the cases, serves them, and drives the browser. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import { build } from 'vite';
import { findBrowser } from '../../src/device/find.ts';
import { LatentGpuError } from '../../src/errors.ts';
import type { Case } from './cases.ts';
import type { PageRig } from './page.ts';

const flags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--enable-webgpu-developer-features',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

const origin = 'http://localhost';

/** Bundles the page's script in memory; returns the files by their paths. */
async function bundle(): Promise<Map<string, string>> {
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    root: fileURLToPath(new URL('../..', import.meta.url)),
    worker: { format: 'es' },
    build: {
      write: false,
      minify: false,
      target: 'esnext',
      modulePreload: false,
      rolldownOptions: {
        input: fileURLToPath(new URL('./page.ts', import.meta.url)),
        output: { entryFileNames: 'page.js' },
      },
    },
  });
  if (!('output' in built)) throw new Error('Vite returned something other than one bundle');
  return new Map(
    built.output.map((file) => [
      `/${file.fileName}`,
      file.type === 'chunk' ? file.code : String(file.source),
    ]),
  );
}

const html = '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>';

async function serve(files: Map<string, string>): Promise<Server> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', origin).pathname;
    const body = path === '/' ? html : files.get(path);
    const type = path === '/' ? 'text/html' : 'text/javascript';
    if (path === '/favicon.ico') response.writeHead(204).end();
    else if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return server;
}

/**
 * Headless Chrome with WebGPU, on the software adapter where there is no GPU.
 *
 * @throws LatentGpuError `no-adapter` if there is no browser
 */
export async function launchBrowser(more: readonly string[] = []): Promise<Browser> {
  const { found, looked } = findBrowser();
  if (!found) {
    throw new LatentGpuError(
      'no-adapter',
      `no Chrome or Chromium to test in: looked in ${looked.join(', ')}. ` +
        'Install one (`apt-get install chromium`) or set PUPPETEER_EXECUTABLE_PATH.',
    );
  }
  return await puppeteer.launch({
    executablePath: found.executable,
    headless: true,
    args: [...flags, ...more],
    // A case's own timeout is the one that counts.
    protocolTimeout: 0,
  });
}

declare global {
  var rig: PageRig | undefined;
}

/** Chrome with the cases loaded. Close it, whatever happens. */
export class ChromeHost {
  readonly #server: Server;
  readonly #browser: Browser;
  #page: Page | null = null;
  /** What the page complained about since it was last asked. */
  #complaints: string[] = [];

  private constructor(server: Server, browser: Browser) {
    this.#server = server;
    this.#browser = browser;
  }

  static async open(): Promise<ChromeHost> {
    const server = await serve(await bundle());
    try {
      return new ChromeHost(server, await launchBrowser());
    } catch (error) {
      server.close();
      throw error;
    }
  }

  async #openPage(): Promise<Page> {
    const page = await this.#browser.newPage();
    page.on('pageerror', (error) => {
      this.#complaints.push(error instanceof Error ? (error.stack ?? error.message) : `${error}`);
    });
    page.on('console', (message) => {
      if (message.type() === 'error') this.#complaints.push(message.text());
      else console.log(`[page ${message.type()}] ${message.text()}`);
    });
    page.on('error', (error) => this.#complaints.push(`the page crashed: ${error.message}`));
    const { port } = this.#server.address() as AddressInfo;
    await page.goto(`${origin}:${port}/`);
    try {
      await page.waitForFunction(() => globalThis.rig !== undefined, { timeout: 30_000 });
    } catch (cause) {
      this.#throwComplaints();
      throw cause;
    }
    this.#page = page;
    return page;
  }

  /** Opens the page and its device; returns a line that names the adapter. */
  async start(): Promise<string> {
    const page = await this.#openPage();
    const version = await this.#browser.version();
    const line = await page.evaluate(() => (globalThis.rig as PageRig).start());
    this.#throwComplaints();
    return `${line}, ${version}`;
  }

  /** Opens a device in a worker of the page; returns a line that names the adapter. */
  async startWorker(): Promise<string> {
    const page = this.#page ?? (await this.#openPage());
    const line = await page.evaluate(() => (globalThis.rig as PageRig).startWorker());
    this.#throwComplaints();
    return line;
  }

  async run({ suite, name, timeout }: Case): Promise<void> {
    const page = this.#page ?? (await this.#openPage());
    let timer: ReturnType<typeof setTimeout> | undefined;
    // The page has a timeout of its own; this one is for a page that hangs or has crashed.
    const hung = new Promise<{ message: string; stack: string }>((resolve) => {
      const message = `${suite} > ${name}: the page does not answer`;
      timer = setTimeout(() => resolve({ message, stack: message }), timeout + 5_000);
    });
    const asked = page
      .evaluate((s, n) => (globalThis.rig as PageRig).run(s, n), suite, name)
      .catch((error: Error) => ({ message: error.message, stack: error.stack ?? '', gone: true }));
    const failure = await Promise.race([asked, hung]);
    clearTimeout(timer);
    if (failure) {
      if ('gone' in failure || failure.message.endsWith('does not answer')) {
        this.#page = null;
        await Promise.race([page.close(), new Promise((resolve) => setTimeout(resolve, 2_000))]);
      }
      const error = new Error([failure.message, ...this.#complaints.splice(0)].join('\n'));
      error.stack = failure.stack;
      throw error;
    }
    this.#throwComplaints();
  }

  #throwComplaints(): void {
    const complaints = this.#complaints.splice(0);
    if (complaints.length > 0) throw new Error(`the page complained: ${complaints.join('\n')}`);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#browser.close();
  }
}
