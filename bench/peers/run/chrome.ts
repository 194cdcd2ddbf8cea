// Headless Chrome with a page an engine.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'puppeteer';
import { launchBrowser } from '../../../src/testing/chrome.ts';
import { type Answer, EXPOSED } from '../../../src/testing/expose.ts';
import type { Backend } from '../engine.ts';
import type { PeerPage } from '../page/page.ts';

/** Nothing that an earlier page compiled may help a later one. */
const flags = ['--disable-gpu-shader-disk-cache', '--disable-gpu-program-cache'];

/** The longest that one question to a page may take, in milliseconds. */
const PATIENCE = 60_000;

export interface EngineName {
  readonly peer: string;
  readonly backend: Backend;
}

/** A page whose functions can be called. */
export class EnginePage {
  private readonly page: Page;
  private readonly context: BrowserContext;
  private readonly complaints: string[] = [];

  private constructor(page: Page, context: BrowserContext) {
    this.page = page;
    this.context = context;
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('error', (error) => this.complaints.push(`the page crashed: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
  }

  /** @param isCold whether the first training step starts as soon as the page loads */
  static async open(
    browser: Browser,
    address: string,
    { peer, backend }: EngineName,
    isCold = false,
  ): Promise<EnginePage> {
    // Of its own: nothing is cached for it.
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    const opened = new EnginePage(page, context);
    const query = new URLSearchParams({ peer, backend, ...(isCold && { cold: '' }) });
    await page.goto(`${address}?${query}`, { timeout: PATIENCE });
    await page.waitForFunction(`globalThis.${EXPOSED} !== undefined`, { timeout: PATIENCE });
    return opened;
  }

  async call<K extends keyof PeerPage>(
    name: K,
    ...args: Parameters<PeerPage[K]>
  ): Promise<Awaited<ReturnType<PeerPage[K]>>> {
    const list = [name, ...args].map((arg) => JSON.stringify(arg)).join();
    const asked = this.page.evaluate(`globalThis.${EXPOSED}(${list})`) as Promise<Answer>;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<Answer>((resolve) => {
      const error = { message: `no answer within ${PATIENCE / 1000} seconds`, stack: '' };
      timer = setTimeout(() => resolve({ error }), PATIENCE);
    });
    const answer = await Promise.race([asked, late]).finally(() => clearTimeout(timer));
    if ('error' in answer) {
      throw new Error([answer.error.message, ...this.complaints.splice(0)].join('; '));
    }
    return answer.value as Awaited<ReturnType<PeerPage[K]>>;
  }

  close(): Promise<void> {
    return this.context.close();
  }
}

export const openBrowser = (): Promise<Browser> => launchBrowser(flags);

/**
 * Draws one image in a page that holds nothing but a peer's bundled sampler, and adds up what the
 * page fetched for it: scripts and WebAssembly, gzipped, but neither the page nor the weights.
 */
export async function samplerBytes(
  browser: Browser,
  { address, dist }: { address: string; dist: string },
  { peer, backend }: EngineName,
): Promise<number> {
  const context = await browser.createBrowserContext();
  try {
    const page = await context.newPage();
    const fetched = new Set<string>();
    page.on('request', (request) => {
      const { pathname, origin } = new URL(request.url());
      if (address.startsWith(origin) && /\.(m?js|wasm)$/.test(pathname)) fetched.add(pathname);
    });
    await page.goto(`${address}samplers/${peer}/`, { timeout: PATIENCE });
    await page.waitForFunction('globalThis.sampler !== undefined', { timeout: PATIENCE });
    const drawn = await page.evaluate(`(async () => {
      const layers = await (await fetch('/models/decoder.json')).json();
      for (const layer of layers) {
        layer.weight = new Float32Array(layer.weight);
        layer.bias = new Float32Array(layer.bias);
      }
      const trained = { folder: '/models/vae', onnx: '/models/decoder.onnx', layers };
      const made = await globalThis.sampler('${backend}', trained);
      return (await made.sample(1, 0)).length;
    })()`);
    if (drawn !== 784) throw new Error(`the bundle drew ${drawn} numbers`);
    const sizes = [...fetched].map((pathname) => {
      return gzipSync(readFileSync(join(dist, pathname)), { level: 9 }).length;
    });
    return sizes.reduce((a, b) => a + b, 0);
  } finally {
    await context.close();
  }
}
