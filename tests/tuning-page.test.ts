/** What a browser remembers of kernels, from page load to page load. */
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdapterReport } from '../src/device/index.ts';
import { bundlePage } from '../src/testing/build/page-plugin.ts';
import { launchBrowser } from '../src/testing/chrome.ts';
import { type Answer, EXPOSED } from '../src/testing/expose.ts';
import type { MemoryPage } from './support/memory-page.ts';
import { serveFiles } from './support/sampler.ts';

const adapter: AdapterReport = {
  name: 'an adapter',
  vendor: 'somebody',
  architecture: 'some',
  description: 'driver 1',
  isSoftware: false,
  host: 'browser',
  features: [],
  subgroupSizes: null,
  limits: {},
  source: 'navigator.gpu',
};

let browser: Browser;
let server: Awaited<ReturnType<typeof serveFiles>>;
const complaints: string[] = [];

async function open(prepare?: () => void): Promise<Page> {
  const page = await browser.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => complaints.push(message.text()));
  if (prepare) await page.evaluateOnNewDocument(prepare);
  await page.goto(`${server.url}/index.html`);
  await page.waitForFunction(`globalThis.${EXPOSED} !== undefined`);
  return page;
}

async function ask(page: Page, name: keyof MemoryPage, ...args: unknown[]): Promise<unknown> {
  const list = [name, ...args].map((arg) => JSON.stringify(arg)).join();
  const answer = (await page.evaluate(`globalThis.${EXPOSED}(${list})`)) as Answer;
  if ('error' in answer) throw new Error(answer.error.message);
  return answer.value;
}

describe('a browser', () => {
  beforeAll(async () => {
    const script = fileURLToPath(new URL('./support/memory-page.ts', import.meta.url));
    const html =
      '<!doctype html><meta charset="utf-8"><script type="module" src="page.js"></script>';
    const files = new Map([...(await bundlePage(script)), ['/index.html', html]]);
    server = await serveFiles(files);
    browser = await launchBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  test('remembers from page load to page load, for each adapter and driver', async () => {
    const first = await open();
    expect(await ask(first, 'load', adapter)).toEqual({});
    await ask(first, 'add', adapter, { 'map 4 quads, 1 operations': 'map-64x2', left: null });
    await first.close();
    const second = await open();
    const found = { 'map 4 quads, 1 operations': 'map-64x2', left: null };
    expect(await ask(second, 'load', adapter)).toEqual(found);
    expect(await ask(second, 'load', { ...adapter, host: 'worker' })).toEqual(found);
    expect(await ask(second, 'load', { ...adapter, description: 'driver 2' })).toEqual({});
    await ask(second, 'add', adapter, { another: 'x' });
    expect(await ask(second, 'load', adapter)).toEqual({ ...found, another: 'x' });
    await ask(second, 'forget', adapter);
    await second.reload();
    await second.waitForFunction(`globalThis.${EXPOSED} !== undefined`);
    expect(await ask(second, 'load', adapter)).toEqual({});
    await second.close();
    expect(complaints.splice(0)).toEqual([]);
  });

  const without: Record<string, () => void> = {
    'has no IndexedDB': () => Reflect.deleteProperty(globalThis, 'indexedDB'),
    'blocks IndexedDB': () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('blocked', 'SecurityError');
      };
    },
  };
  for (const [name, prepare] of Object.entries(without)) {
    test(`that ${name} works without a memory`, async () => {
      const page = await open(prepare);
      await ask(page, 'add', adapter, { another: 'x' });
      expect(await ask(page, 'load', adapter)).toEqual({});
      await ask(page, 'forget', adapter);
      await page.close();
      expect(complaints.splice(0)).toEqual([]);
    });
  }
});
