// Headless Chrome: found, started, given a page, and asked to do things in it.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'puppeteer';
import { findBrowser } from '../device/find.ts';
import { type ErrorCode, LatentGpuError } from '../errors.ts';
import { type Answer, EXPOSED, type PageApi } from './expose.ts';

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

async function importPuppeteer(): Promise<typeof import('puppeteer').default> {
  try {
    return (await import('puppeteer')).default;
  } catch (cause) {
    throw new LatentGpuError(
      'no-adapter',
      'Chrome is driven by the package `puppeteer`, which is not installed. ' +
        'Type `npm install --save-dev puppeteer`, or leave Chrome out and run on Dawn alone.',
      { cause },
    );
  }
}

/**
 * Headless Chrome with WebGPU, on the software adapter where there is no GPU.
 *
 * @throws LatentGpuError `no-adapter` if there is no browser or nothing to drive it, with the ways out
 */
export async function launchBrowser(more: readonly string[] = []): Promise<Browser> {
  const puppeteer = await importPuppeteer();
  const { found, looked } = findBrowser();
  if (!found) {
    throw new LatentGpuError(
      'no-adapter',
      `no Chrome or Chromium to test in: looked in ${looked.join(', ')}. Install one ` +
        '(`npx puppeteer browsers install chrome`; as root on Debian, `apt-get install chromium`) ' +
        'or name it in PUPPETEER_EXECUTABLE_PATH.',
    );
  }
  try {
    return await puppeteer.launch({
      executablePath: found.executable,
      headless: true,
      args: [...flags, ...more],
      // Whoever asks a page to do something says how long it may take.
      protocolTimeout: 0,
    });
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new LatentGpuError(
      'no-adapter',
      `${found.executable} (${found.source}) does not start: ${said.trim().split('\n')[0]} ` +
        'Name another in PUPPETEER_EXECUTABLE_PATH.',
      { cause },
    );
  }
}

const html = '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>';

export interface ChromePageOptions {
  /** Scripts by their paths; `/page.js` is the page's own, and calls `expose`. */
  readonly files: ReadonlyMap<string, string>;
  /** More of Chrome's flags. */
  readonly flags?: readonly string[];
  /** Receives what the page logs. */
  readonly log?: (line: string) => void;
}

/** How long a page may take to load its scripts. */
const LOAD_MILLISECONDS = 30_000;

/** A page in headless Chrome whose script offers functions. Close it, whatever happens. */
export class ChromePage<Api extends PageApi> {
  readonly #server: Server;
  readonly #flags: readonly string[];
  readonly #log: (line: string) => void;
  #browser: Browser | null;
  #page: Page | null = null;
  /** What the page complained about since it was last asked something. */
  #complaints: string[] = [];
  /** What `/bytes` holds: large arrays travel there, and all else as JSON. */
  #bytes: Uint8Array = new Uint8Array();

  private constructor(server: Server, browser: Browser, options: ChromePageOptions) {
    const { flags = [], log = console.log } = options;
    this.#server = server;
    this.#browser = browser;
    this.#flags = flags;
    this.#log = log;
  }

  /** @throws LatentGpuError `no-adapter`, with the ways out */
  static async open<Api extends PageApi>(options: ChromePageOptions): Promise<ChromePage<Api>> {
    const browser = await launchBrowser(options.flags);
    const server = createServer();
    const chrome = new ChromePage<Api>(server, browser, options);
    server.on('request', (request, response) => {
      chrome.#serve(options.files, request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    return chrome;
  }

  async #serve(
    files: ReadonlyMap<string, string>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/bytes') {
      if (request.method === 'POST') {
        const parts: Buffer[] = [];
        for await (const part of request) parts.push(part as Buffer);
        this.#bytes = Buffer.concat(parts);
      }
      const type = { 'content-type': 'application/octet-stream' };
      response.writeHead(200, type).end(request.method === 'POST' ? undefined : this.#bytes);
      return;
    }
    const body = pathname === '/' ? html : files.get(pathname);
    const type = pathname === '/' ? 'text/html' : 'text/javascript';
    if (pathname === '/favicon.ico') response.writeHead(204).end();
    else if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': type }).end(body);
  }

  async #openPage(): Promise<Page> {
    this.#browser ??= await launchBrowser(this.#flags);
    const page = await this.#browser.newPage();
    page.on('pageerror', (error) => {
      this.#complaints.push(error instanceof Error ? (error.stack ?? error.message) : `${error}`);
    });
    page.on('console', (message) => {
      if (message.type() === 'error') this.#complaints.push(message.text());
      else this.#log(`[page ${message.type()}] ${message.text()}`);
    });
    page.on('error', (error) => this.#complaints.push(`the page crashed: ${error.message}`));
    const { port } = this.#server.address() as AddressInfo;
    await page.goto(`http://localhost:${port}/`);
    try {
      const ready = `globalThis.${EXPOSED} !== undefined`;
      await page.waitForFunction(ready, { timeout: LOAD_MILLISECONDS });
    } catch (cause) {
      this.#throwComplaints();
      throw cause;
    }
    this.#page = page;
    return page;
  }

  /** The browser's name and version. */
  async version(): Promise<string> {
    return (await this.#browser?.version()) ?? 'a browser that has crashed';
  }

  /** Large arrays for the page to fetch from `/bytes`, or what it has posted there. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  set bytes(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * Calls a function of the page.
   *
   * @param timeout milliseconds; if it takes longer or the page crashes, the browser is replaced for
   *   the next call: its GPU process may be busy for ever
   * @param what is done, for messages
   * @throws what the function throws, with what the page complained about
   */
  async call<K extends keyof Api & string>(
    name: K,
    args: Parameters<Api[K]>,
    timeout: number,
    what = 'the page',
  ): Promise<Awaited<ReturnType<Api[K]>>> {
    const page = this.#page ?? (await this.#openPage());
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hung = new Promise<'hung'>((resolve) => {
      timer = setTimeout(() => resolve('hung'), timeout);
    });
    // As text: functions are rewritten by whatever builds or runs this file.
    const asked = `globalThis.${EXPOSED}(${[name, ...args].map((arg) => JSON.stringify(arg)).join()})`;
    const answered = (page.evaluate(asked) as Promise<Answer>).catch((error: Error) => error);
    const answer = await Promise.race([answered, hung]);
    clearTimeout(timer);
    if (answer === 'hung' || answer instanceof Error) {
      this.#abandon();
      const why =
        answer === 'hung' ? `took longer than ${timeout} ms` : `was lost: ${answer.message}`;
      throw this.#withComplaints(new LatentGpuError('device-lost', `${what} ${why}.`));
    }
    if ('error' in answer) {
      const { message, stack, code } = answer.error;
      const error = code ? new LatentGpuError(code as ErrorCode, message) : new Error(message);
      if (stack) error.stack = stack;
      throw this.#withComplaints(error);
    }
    this.#throwComplaints();
    return answer.value as Awaited<ReturnType<Api[K]>>;
  }

  #withComplaints(error: Error): Error {
    const complaints = this.#complaints.splice(0);
    error.message = [error.message, ...complaints].join('\n');
    return error;
  }

  #throwComplaints(): void {
    if (this.#complaints.length > 0) throw this.#withComplaints(new Error('the page complained:'));
  }

  #abandon(): void {
    this.#browser?.process()?.kill('SIGKILL');
    this.#browser = null;
    this.#page = null;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#browser?.close();
  }
}
