/** The demo page, built, served as static files from a folder under a strict policy, and used. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, CDPSession, ElementHandle, Page, Viewport, WebWorker } from 'puppeteer';
import { build } from 'vite';
import { expect } from 'vitest';
import { launchBrowser } from '../../src/testing/chrome.ts';
import { once } from './once.ts';

const configFile = fileURLToPath(new URL('../../demo/vite.config.ts', import.meta.url));

/** Not a secure context, as localhost would be: WebGPU hides there. */
export const INSECURE_HOST = 'demo.example';
/** A server's folder, with a name that has to be escaped. */
const BASE = '/some where/demo/';
/** The same page, whose worker finds no adapter. */
export const NO_ADAPTER = '/no-adapter/';
const NO_ADAPTER_SCRIPT = 'navigator.gpu.requestAdapter = async () => null;\n';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "worker-src 'self'",
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
};

export interface OpenPage {
  readonly host?: string;
  readonly base?: string;
  /** Which of the demo's pages. */
  readonly name?: string;
  readonly viewport?: Viewport;
  /** Runs in the page before its own scripts. */
  readonly before?: () => void;
  /** In a window of its own: pages of one window hide each other. */
  readonly ownWindow?: boolean;
}

export class DemoSite {
  /** For files of the tests. */
  readonly folder: string;
  readonly browser: Browser;
  private readonly server: Server;

  private constructor(folder: string, browser: Browser, server: Server) {
    this.folder = folder;
    this.browser = browser;
    this.server = server;
  }

  /** @param launch Chrome, unless another browser is asked for */
  static async open(launch: (flags: string[]) => Promise<Browser> = launchBrowser) {
    const folder = mkdtempSync(join(tmpdir(), 'latentgpu-demo-'));
    const outDir = await once('demo', async (outDir) => {
      await build({ configFile, logLevel: 'warn', build: { outDir } });
    });
    const server = createServer(({ url }, response) => {
      const path = decodeURIComponent(new URL(url ?? '', 'http://localhost').pathname);
      const base = [BASE, NO_ADAPTER].find((start) => path.startsWith(start));
      const name = base && (path.slice(base.length) || 'index.html');
      try {
        let body: string | Buffer = readFileSync(join(outDir, name as string));
        if (base === NO_ADAPTER && name?.includes('worker')) body = NO_ADAPTER_SCRIPT + body;
        const type = TYPES[extname(name as string)] ?? 'application/octet-stream';
        const headers = { 'content-type': type, 'content-security-policy': POLICY };
        response.writeHead(200, headers).end(body);
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const rules = `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`;
    return new DemoSite(folder, await launch([rules]), server);
  }

  /** Opens the page, and waits for nothing. */
  async visit(options: OpenPage = {}): Promise<DemoPage> {
    const { host = 'localhost', base = BASE, name = '', viewport, before, ownWindow } = options;
    const page = ownWindow
      ? await (await this.browser.createBrowserContext()).newPage()
      : await this.browser.newPage();
    await page.setViewport(viewport ?? { width: 1280, height: 900 });
    if (before) await page.evaluateOnNewDocument(before);
    const demo = new DemoPage(page);
    const { port } = this.server.address() as AddressInfo;
    await page.goto(`http://${host}:${port}${encodeURI(base + name)}`);
    return demo;
  }

  file(name: string, content: Uint8Array | string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a visitor sees and does. */
export class DemoPage {
  readonly page: Page;
  /** Errors, warnings, refusals by the policy. */
  readonly complaints: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('error', (error) => this.complaints.push(`crashed: ${error.message}`));
    page.on('console', (message) => {
      const isLoud = message.type() === 'error' || message.type() === 'warn';
      if (isLoud) this.complaints.push(message.text());
    });
  }

  /** Without the commas of large numbers. */
  async text(id: string): Promise<string> {
    return await this.page.$eval(`#${id}`, (found) =>
      (found.textContent ?? '').replaceAll(',', ''),
    );
  }

  async value(id: string): Promise<number> {
    return Number(await this.text(id));
  }

  /** Waits until a text is what a pattern says. */
  async matches(id: string, pattern: RegExp): Promise<void> {
    await expect.poll(() => this.text(id), { timeout: 60_000, interval: 50 }).toMatch(pattern);
  }

  get activity(): Promise<string | undefined> {
    return this.page.$eval('body', (body) => body.dataset.activity);
  }

  async becomes(activity: string): Promise<void> {
    const options = { timeout: 60_000 };
    const isNow = (now: string) => document.body.dataset.activity === now;
    await this.page.waitForFunction(isNow, options, activity);
  }

  async stepBeyond(step: number): Promise<void> {
    await this.page.waitForFunction(
      (least) => Number(document.getElementById('step')?.textContent?.replaceAll(',', '')) > least,
      {},
      step,
    );
  }

  /** Waits for a line that holds these words, and gives the whole of it. */
  async says(words: string): Promise<string> {
    const line = () =>
      this.page.$eval('#notice', (box) =>
        (box as HTMLElement).hidden ? '' : (box.querySelector('p')?.textContent ?? ''),
      );
    await expect.poll(line, { timeout: 20_000, interval: 30 }).toContain(words);
    return await line();
  }

  picture(selector: string): Promise<string> {
    return this.page.$eval(selector, (canvas) => (canvas as HTMLCanvasElement).toDataURL());
  }

  /** Waits until a canvas shows something other than it did. */
  async changes(selector: string, before: string): Promise<void> {
    await this.page.waitForFunction(
      (at, old) => (document.querySelector(at) as HTMLCanvasElement).toDataURL() !== old,
      {},
      selector,
      before,
    );
  }

  async train(on: boolean): Promise<void> {
    if (((await this.activity) === 'training') === on) return;
    // A notice that comes or goes would move the button from under a mouse.
    await this.page.$eval('#train', (button) => (button as HTMLButtonElement).click());
    await this.becomes(on ? 'training' : 'paused');
  }

  async chooseFiles(files: readonly string[]): Promise<void> {
    const input = (await this.page.$('#files')) as ElementHandle<HTMLInputElement>;
    await input.uploadFile(...files);
  }

  /** Files and folders let go of over the middle of the page, as by a mouse that brings them. */
  async drop(paths: readonly string[]): Promise<void> {
    const devtools = await this.devtools();
    const data = { items: [], files: [...paths], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await devtools.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
    }
    await devtools.detach();
  }

  /** The worker that trains. */
  get worker(): WebWorker {
    return this.page.workers()[0] as WebWorker;
  }

  devtools(): Promise<CDPSession> {
    return this.page.createCDPSession();
  }
}
