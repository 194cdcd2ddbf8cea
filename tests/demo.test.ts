/** The demo page in headless Chrome, as a visitor uses it: built, served, clicked, typed at. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeIdx } from '../src/formats/idx.ts';
import { digits } from '../src/index.ts';
import { faintTexts } from './support/contrast.ts';
import { type DemoPage, DemoSite, INSECURE_HOST, NO_ADAPTER } from './support/demo.ts';

let site: DemoSite;
let demo: DemoPage;

describe('demo page', () => {
  beforeAll(async () => {
    site = await DemoSite.open();
    demo = await site.visit();
    await demo.becomes('ready');
    console.log(`adapter of the demo page: ${await demo.text('adapter')}`);
  }, 60_000);

  afterAll(() => site?.close(), 30_000);

  test('trains: the loss falls and the pictures follow', async () => {
    const before = await demo.picture('#samples');
    await demo.train(true);
    await demo.page.waitForFunction(() => document.getElementById('loss')?.textContent !== '–');
    const first = await demo.value('loss');
    await demo.stepBeyond(120);
    await demo.changes('#samples', before);
    // The code is asked less often than the loss: on a slow machine it may still be that of a start.
    await demo.matches('units-text', /^[1-8] of 8 active [\d.]+ nats in all$/);
    await demo.train(false);
    expect(await demo.value('loss')).toBeLessThan(0.95 * first);
    expect(await demo.value('epoch')).toBeGreaterThan(1);
    expect(await demo.value('images-per-second')).toBeGreaterThan(0);
    expect(demo.complaints).toEqual([]);
  });

  test('decodes where the mouse points, and where the arrow keys lead', async () => {
    const map = (await (await demo.page.$('#map'))?.boundingBox()) as { x: number; y: number };
    let before = await demo.picture('#decoded');
    await demo.page.mouse.move(map.x + 40, map.y + 60);
    await demo.changes('#decoded', before);
    before = await demo.picture('#decoded');
    await demo.page.focus('#map');
    await demo.page.keyboard.press('Home');
    await demo.changes('#decoded', before);
    expect(await demo.text('at')).toBe('0.00 0.00');
    await demo.page.keyboard.down('Shift');
    await demo.page.keyboard.press('ArrowUp');
    await demo.page.keyboard.up('Shift');
    await demo.page.keyboard.press('ArrowLeft');
    expect(await demo.text('at')).toBe('−0.10 0.50');
  });

  test('shows images on the map, and interpolates between picks', async () => {
    let before = await demo.picture('#map canvas');
    await demo.page.click('input[value="manifold"]');
    await demo.changes('#map canvas', before);
    before = await demo.picture('#interpolation');
    await demo.page.focus('#to-1');
    await demo.page.keyboard.press('ArrowRight');
    await demo.changes('#interpolation', before);
    before = await demo.picture('#reconstructions');
    await demo.page.click('#shuffle');
    await demo.changes('#reconstructions', before);
    before = await demo.picture('#map canvas');
    await demo.page.select('#plane-x', '2');
    await demo.changes('#map canvas', before);
    expect(await demo.page.$eval('#plane-y', (list) => (list as HTMLSelectElement).value)).toBe(
      '3',
    );
  });

  test('can be used by keyboard alone', async () => {
    await demo.page.focus('body');
    const reached = new Set<string>();
    for (let i = 0; i < 60; i++) {
      await demo.page.keyboard.press('Tab');
      reached.add(await demo.page.evaluate(() => document.activeElement?.id ?? ''));
    }
    const wanted =
      'train reset rate beta family latent hidden batch save load data choose choose-folder share-link share-image map shuffle from-0 pick erase measure';
    for (const id of wanted.split(' ')) expect(reached, id).toContain(id);
    const unnamed = await demo.page.$$eval('button, input, select', (controls) =>
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
    await demo.page.focus('#rate');
    const before = await demo.text('rate-value');
    await demo.page.keyboard.press('ArrowLeft');
    expect(await demo.text('rate-value')).not.toBe(before);
    await demo.page.focus('#train');
    await demo.page.keyboard.press('Enter');
    await demo.becomes('training');
  });

  test('waits while the tab is hidden', async () => {
    await demo.train(true);
    const other = await site.browser.newPage();
    await demo.page.waitForFunction(() => document.hidden, { polling: 50 });
    await expect.poll(() => demo.activity).toBe('hidden');
    const step = await demo.value('step');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await demo.value('step')).toBe(step);
    const before = await demo.picture('#curve');
    await demo.page.bringToFront();
    await demo.becomes('training');
    await demo.stepBeyond(step);
    await demo.changes('#curve', before);
    await other.close();
  });

  test('goes on after the GPU is lost', async () => {
    await demo.train(true);
    const step = await demo.value('step');
    await demo.page.click('#lose');
    await demo.says('The GPU was lost and replaced. Nothing is lost');
    await demo.stepBeyond(step);
    await demo.train(false);
    const before = await demo.picture('#decoded');
    await demo.page.click('#lose');
    await demo.page.focus('#map');
    await demo.page.keyboard.press('Home');
    await demo.changes('#decoded', before);
  });

  test('saves the model and opens it again', async () => {
    const downloads = join(site.folder, 'downloads');
    const client = await demo.devtools();
    await client.send('Browser.setDownloadBehavior', {
      behavior: 'allow',
      downloadPath: downloads,
    });
    await demo.train(false);
    const loss = await demo.value('loss');
    await demo.page.click('#save');
    const names = ['model.json', 'weights.safetensors'];
    const saved = () => (existsSync(downloads) ? readdirSync(downloads).sort() : []);
    await expect.poll(saved, { timeout: 5000 }).toEqual(names);
    await demo.page.select('#latent', '2');
    await demo.becomes('ready');
    await demo.page.waitForFunction(() => document.getElementById('step')?.textContent === '0');
    expect(await demo.page.$eval('#plane', (element) => (element as HTMLElement).hidden)).toBe(
      true,
    );
    await demo.chooseFiles([join(downloads, 'model.json')]);
    await demo.says('A saved model is two files');
    await demo.chooseFiles(names.map((name) => join(downloads, name)));
    await demo.says('The saved model is open');
    expect(
      await demo.page.$eval('#latent', (element) => (element as HTMLSelectElement).value),
    ).toBe('8');
    await demo.train(true);
    await demo.page.waitForFunction(() => document.getElementById('loss')?.textContent !== '–');
    expect(await demo.value('loss')).toBeLessThan(1.08 * loss);
    await demo.train(false);
  });

  test("trains on the visitor's own files", async () => {
    const own = digits({ count: 300, seed: 9, size: 16 });
    const images = writeIdx({ shape: [300, 16, 16], data: own.data as Uint8Array });
    const labels = writeIdx({ shape: [300], data: own.labels as Uint8Array });
    await demo.chooseFiles([
      site.file('own-idx3-ubyte.gz', gzipSync(images)),
      site.file('own-idx1-ubyte', labels),
    ]);
    await demo.says('Nothing of it leaves this page');
    expect(await demo.text('data-name')).toBe('own-idx3-ubyte.gz: 270 images of 16 × 16');
    await demo.train(true);
    await demo.stepBeyond(5);
    await demo.train(false);
    await demo.page.select('#data', 'digits');
    await demo.page.waitForFunction(() =>
      document.getElementById('data-name')?.textContent?.startsWith('Built-in digits'),
    );
  });

  test('is drawn sharply on any screen, and keeps what it shows', async () => {
    const sharp = (density: number) =>
      demo.page.waitForFunction(
        (ratio) =>
          devicePixelRatio === ratio &&
          [...document.querySelectorAll('canvas')]
            .filter((canvas) => canvas.checkVisibility())
            .every(({ width, clientWidth }) => width === Math.round(clientWidth * ratio)),
        {},
        density,
      );
    await demo.becomes('ready');
    // What has been told by then is there with the next frame.
    await demo.page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    // An image of the data, which nothing but the screen changes.
    const image = '#from label:first-child canvas';
    const shown = await demo.picture(image);
    await demo.page.setViewport({ width: 1270, height: 900, deviceScaleFactor: 2 });
    await sharp(2);
    await demo.page.setViewport({ width: 700, height: 500, deviceScaleFactor: 1.5 });
    await sharp(1.5);
    await demo.page.setViewport({ width: 1280, height: 900, deviceScaleFactor: 1 });
    await sharp(1);
    await expect.poll(() => demo.picture(image)).toBe(shown);
  });

  test('can be read in light and dark', async () => {
    for (const value of ['light', 'dark']) {
      await demo.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
      expect(await demo.page.evaluate(faintTexts)).toEqual([]);
    }
    await demo.page.emulateMediaFeatures([]);
  });

  test('fits a phone, and follows a finger', async () => {
    await demo.page.setViewport({ width: 390, height: 844, hasTouch: true, isMobile: true });
    await demo.becomes('ready');
    for (const width of [320, 360, 844, 390]) {
      const size = { width, height: width > 600 ? 390 : 844 };
      await demo.page.setViewport({ ...size, hasTouch: true, isMobile: true });
      const most = await demo.page.evaluate(() => document.documentElement.scrollWidth);
      expect(most).toBe(width);
    }
    const narrow = await demo.page.$$eval('button, select, input[type="range"]', (controls) =>
      controls
        .map((control) => [control.id, control.getBoundingClientRect()] as const)
        .filter(([, box]) => box.width > 0 && (box.left < 0 || box.right > 390))
        .map(([id]) => id),
    );
    expect(narrow).toEqual([]);
    await demo.page.$eval('#map', (element) => element.scrollIntoView({ block: 'center' }));
    const map = (await (await demo.page.$('#map'))?.boundingBox()) as { x: number; y: number };
    const before = await demo.picture('#decoded');
    await demo.page.touchscreen.touchStart(map.x + 50, map.y + 50);
    await demo.page.touchscreen.touchMove(map.x + 200, map.y + 250);
    await demo.page.touchscreen.touchEnd();
    await demo.changes('#decoded', before);
    expect(demo.complaints).toEqual([]);
  });

  test('settings changed while a model is made are those of the next, which goes on training', async () => {
    const other = await site.visit({ ownWindow: true });
    const { page } = other;
    await other.becomes('ready');
    await other.train(true);
    for (const family of ['iwae', 'vamp', 'vae']) await page.select('#family', family);
    await page.select('#hidden', '64');
    await other.becomes('preparing');
    await page.select('#latent', '4');
    await page.focus('#rate');
    await page.keyboard.press('Home');
    await page.select('#batch', '32');
    await other.becomes('training');
    const asked = '#rate=0.0000501&latent=4&hidden=64&batch=32';
    expect(new URL(page.url()).hash).toBe(asked);
    await other.stepBeyond(0);
    await other.matches('units-text', /of 4 active/);
    expect(other.complaints).toEqual([]);
    await page.close();
  });

  test('says what to do where WebGPU is missing', async () => {
    for (const [where, why] of [
      [{ host: INSECURE_HOST }, 'not a secure context'],
      [
        { before: () => Reflect.deleteProperty(Navigator.prototype, 'gpu'), base: NO_ADAPTER },
        'offers no adapter',
      ],
    ] as const) {
      const other = await site.visit(where);
      await other.page.waitForSelector('#unavailable:not([hidden])');
      expect(await other.text('unavailable')).toContain(why);
      expect(await other.text('unavailable')).toContain('What to do');
      await other.matches('activity', /^No WebGPU$/);
      expect(await other.page.$eval('#train', (found) => found.checkVisibility())).toBe(false);
      expect(other.complaints).toEqual([]);
      await other.page.close();
    }
  });
});
