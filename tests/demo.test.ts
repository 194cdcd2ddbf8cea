/** The demo page in headless Chrome, as a visitor uses it: built, served, clicked, typed at. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser, ElementHandle, Page } from 'puppeteer';
import { build, type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeIdx } from '../src/formats/idx.ts';
import { digits } from '../src/index.ts';
import { launchBrowser } from './rig/chrome.ts';

const configFile = fileURLToPath(new URL('../demo/vite.config.ts', import.meta.url));
/** Not a secure context, as localhost would be: WebGPU hides there. */
const INSECURE_HOST = 'demo.example';

let folder = '';
let server: PreviewServer | undefined;
let browser: Browser | undefined;
let page: Page;
const complaints: string[] = [];

async function openPage(host = 'localhost'): Promise<Page> {
  const opened = await (browser as Browser).newPage();
  opened.on('pageerror', (error) => complaints.push(String(error)));
  opened.on('error', (error) => complaints.push(`crashed: ${error.message}`));
  opened.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warn') complaints.push(message.text());
  });
  const address = server?.httpServer.address();
  if (!address || typeof address === 'string') throw new Error('the server has no port');
  await opened.goto(`http://${host}:${address.port}/`);
  return opened;
}

const text = (id: string) =>
  page.$eval(`#${id}`, (element) => (element.textContent ?? '').replaceAll(',', ''));
const value = async (id: string) => Number(await text(id));
const activity = (wanted: string) =>
  page.waitForFunction((now) => document.body.dataset.activity === now, {}, wanted);
const stepBeyond = (step: number) =>
  page.waitForFunction(
    (least) =>
      Number(document.getElementById('step')?.textContent?.replaceAll(',', '')) > (least as number),
    {},
    step,
  );
const notice = (part: string) =>
  page.waitForFunction(
    (wanted) => {
      const element = document.getElementById('notice');
      return !element?.hidden && element?.textContent?.includes(wanted as string);
    },
    {},
    part,
  );
const picture = (selector: string) =>
  page.$eval(selector, (canvas) => (canvas as HTMLCanvasElement).toDataURL());

/** Waits until a canvas shows something other than it did. */
const changed = (selector: string, before: string) =>
  page.waitForFunction(
    (at, old) => (document.querySelector(at as string) as HTMLCanvasElement).toDataURL() !== old,
    {},
    selector,
    before,
  );

async function train(on: boolean): Promise<void> {
  const now = await page.$eval('body', (body) => body.dataset.activity);
  if ((now === 'training') === on) return;
  await page.click('#train');
  await activity(on ? 'training' : 'paused');
}

async function chooseFiles(files: readonly string[]): Promise<void> {
  const input = (await page.$('#files')) as ElementHandle<HTMLInputElement>;
  await input.uploadFile(...files);
}

describe('demo page', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latentgpu-demo-'));
    const outDir = join(folder, 'page');
    await build({ configFile, logLevel: 'warn', build: { outDir } });
    server = await preview({
      configFile,
      build: { outDir },
      preview: { port: 0, host: 'localhost', allowedHosts: [INSECURE_HOST] },
    });
    browser = await launchBrowser([`--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`]);
    page = await openPage();
    await page.setViewport({ width: 1280, height: 900 });
    await activity('ready');
    console.log(`adapter of the demo page: ${await text('adapter')}`);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  test('trains: the loss falls and the pictures follow', async () => {
    const before = await picture('#samples');
    await train(true);
    await page.waitForFunction(() => document.getElementById('loss')?.textContent !== '–');
    const first = await value('loss');
    await stepBeyond(120);
    await changed('#samples', before);
    await train(false);
    expect(await value('loss')).toBeLessThan(0.95 * first);
    expect(await value('epoch')).toBeGreaterThan(1);
    expect(await value('images-per-second')).toBeGreaterThan(0);
    expect(await text('units-text')).toMatch(/^[1-8] of 8 active [\d.]+ nats in all$/);
    expect(complaints).toEqual([]);
  });

  test('decodes where the mouse points, and where the arrow keys lead', async () => {
    const map = (await (await page.$('#map'))?.boundingBox()) as { x: number; y: number };
    let before = await picture('#decoded');
    await page.mouse.move(map.x + 40, map.y + 60);
    await changed('#decoded', before);
    before = await picture('#decoded');
    await page.focus('#map');
    await page.keyboard.press('Home');
    await changed('#decoded', before);
    expect(await text('at')).toBe('0.00 0.00');
    await page.keyboard.down('Shift');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.up('Shift');
    await page.keyboard.press('ArrowLeft');
    expect(await text('at')).toBe('-0.10 0.50');
  });

  test('shows images on the map, and interpolates between picks', async () => {
    let before = await picture('#map canvas');
    await page.click('input[value="manifold"]');
    await changed('#map canvas', before);
    before = await picture('#interpolation');
    await page.focus('#to-1');
    await page.keyboard.press('ArrowRight');
    await changed('#interpolation', before);
    before = await picture('#reconstructions');
    await page.click('#shuffle');
    await changed('#reconstructions', before);
    before = await picture('#map canvas');
    await page.select('#plane-x', '2');
    await changed('#map canvas', before);
    expect(await page.$eval('#plane-y', (list) => (list as HTMLSelectElement).value)).toBe('3');
  });

  test('can be used by keyboard alone', async () => {
    await page.focus('body');
    const reached = new Set<string>();
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate(() => document.activeElement?.id ?? ''));
    }
    const wanted = 'train reset rate beta latent hidden batch save load choose map shuffle from-0';
    for (const id of wanted.split(' ')) expect(reached, id).toContain(id);
    const unnamed = await page.$$eval('button, input, select', (controls) =>
      controls
        .filter((control) => !(control as HTMLElement).hidden)
        .filter((control) => {
          const { labels, textContent } = control as HTMLInputElement;
          const name = control.getAttribute('aria-label') ?? labels?.[0]?.textContent;
          return !(name || textContent)?.trim();
        })
        .map((control) => control.outerHTML),
    );
    expect(unnamed).toEqual([]);
    await page.focus('#rate');
    const before = await text('rate-value');
    await page.keyboard.press('ArrowLeft');
    expect(await text('rate-value')).not.toBe(before);
    await page.focus('#train');
    await page.keyboard.press('Enter');
    await activity('training');
  });

  test('waits while the tab is hidden', async () => {
    await train(true);
    const pretend = (hidden: boolean) =>
      page.evaluate((now) => {
        Object.defineProperty(document, 'hidden', { value: now, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await pretend(true);
    await activity('hidden');
    const step = await value('step');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await value('step')).toBe(step);
    await pretend(false);
    await activity('training');
    await stepBeyond(step);
  });

  test('goes on after the GPU is lost', async () => {
    await train(true);
    const step = await value('step');
    await page.click('#lose');
    await notice('The GPU was lost and replaced');
    await stepBeyond(step);
    await train(false);
    const before = await picture('#decoded');
    await page.click('#lose');
    await page.focus('#map');
    await page.keyboard.press('Home');
    await changed('#decoded', before);
  });

  test('saves the model and opens it again', async () => {
    const downloads = join(folder, 'downloads');
    const client = await page.createCDPSession();
    await client.send('Browser.setDownloadBehavior', {
      behavior: 'allow',
      downloadPath: downloads,
    });
    await train(false);
    const loss = await value('loss');
    await page.click('#save');
    const names = ['model.json', 'weights.safetensors'];
    await expect.poll(() => readdirSync(folder).includes('downloads')).toBe(true);
    await expect.poll(() => readdirSync(downloads).sort(), { timeout: 5000 }).toEqual(names);
    await page.select('#latent', '2');
    await activity('ready');
    await page.waitForFunction(() => document.getElementById('step')?.textContent === '0');
    expect(await page.$eval('#plane', (element) => (element as HTMLElement).hidden)).toBe(true);
    await chooseFiles([join(downloads, 'model.json')]);
    await notice('a saved model is two files');
    await chooseFiles(names.map((name) => join(downloads, name)));
    await notice('The saved model is open');
    expect(await page.$eval('#latent', (element) => (element as HTMLSelectElement).value)).toBe(
      '8',
    );
    await train(true);
    await page.waitForFunction(() => document.getElementById('loss')?.textContent !== '–');
    expect(await value('loss')).toBeLessThan(1.08 * loss);
    await train(false);
  });

  test("trains on the visitor's own files", async () => {
    const own = digits({ count: 300, seed: 9, size: 16 });
    const file = (name: string, bytes: Uint8Array) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const images = writeIdx({ shape: [300, 16, 16], data: own.data as Uint8Array });
    const labels = writeIdx({ shape: [300], data: own.labels as Uint8Array });
    const cut = file('cut-idx3-ubyte', images.subarray(0, 5000));
    await chooseFiles([cut]);
    await notice('cut-idx3-ubyte: cut short');
    await chooseFiles([
      file('own-idx3-ubyte.gz', gzipSync(images)),
      file('own-idx1-ubyte', labels),
    ]);
    await notice('It never leaves this page');
    expect(await text('data-name')).toBe('own-idx3-ubyte.gz: 270 images of 16 × 16');
    await train(true);
    await stepBeyond(5);
    await page.click('#digits');
    await page.waitForFunction(() =>
      document.getElementById('data-name')?.textContent?.startsWith('Built-in digits'),
    );
  });

  test('fits a phone, and follows a finger', async () => {
    await page.setViewport({ width: 390, height: 844, hasTouch: true, isMobile: true });
    await activity('ready');
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(390);
    const narrow = await page.$$eval('button, select, input[type="range"]', (controls) =>
      controls
        .map((control) => [control.id, control.getBoundingClientRect()] as const)
        .filter(([, box]) => box.width > 0 && (box.left < 0 || box.right > 390))
        .map(([id]) => id),
    );
    expect(narrow).toEqual([]);
    await page.$eval('#map', (element) => element.scrollIntoView({ block: 'center' }));
    const map = (await (await page.$('#map'))?.boundingBox()) as { x: number; y: number };
    const before = await picture('#decoded');
    await page.touchscreen.touchStart(map.x + 50, map.y + 50);
    await page.touchscreen.touchMove(map.x + 200, map.y + 250);
    await page.touchscreen.touchEnd();
    await changed('#decoded', before);
    expect(complaints).toEqual([]);
  });

  test('says what to do where WebGPU is missing', async () => {
    const other = await openPage(INSECURE_HOST);
    await other.waitForSelector('#unavailable:not([hidden])');
    expect(await other.$eval('#unavailable', (element) => element.textContent)).toContain(
      'not a secure context',
    );
    expect(await other.$eval('#train', (element) => element.checkVisibility())).toBe(false);
    await other.close();
    expect(complaints).toEqual([]);
  });
});
