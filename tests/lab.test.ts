/** The demo's lab in headless Chrome: each chapter opens, runs from the keyboard, draws, fits, can be read. */
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faintTexts } from './support/contrast.ts';
import { type DemoPage, DemoSite } from './support/demo.ts';
import { take } from './support/take.ts';

/** Small models of each chapter: canvases that show what is computed, and what its status line says once it has run. */
const CHAPTERS = [
  { name: 'mixtures.html', canvases: ['#plane', '#rise', '#beside', '#gap'], says: /step: / },
  { name: 'estimators.html#samples=4', canvases: ['#ridges'], says: /times the variance/ },
  { name: 'flows.html#depth=2', canvases: ['#plane', '#loss'], says: /nats a point/ },
  { name: 'collapse.html#receptive=1', canvases: ['#stream', '#traded'], says: /units active/ },
];

/** Seconds from Start to the pictures: ten are promised, and a machine that does other things takes longer. */
const LOADED = 25;

let site: DemoSite;

beforeAll(async () => {
  site = await DemoSite.open();
}, 60_000);
afterAll(() => site?.close(), 30_000);

/** Colours on a canvas: one where it is blank. */
const colors = (demo: DemoPage, selector: string) =>
  demo.page.$eval(selector, (found) => {
    const { width, height } = found as HTMLCanvasElement;
    const g = (found as HTMLCanvasElement).getContext('2d');
    const bytes = g?.getImageData(0, 0, width, height).data.buffer;
    return new Set(new Uint32Array(bytes ?? new ArrayBuffer(4))).size;
  });

describe.each(CHAPTERS)('$name', ({ name, canvases, says }) => {
  test('runs from the keyboard, draws, fits a phone, can be read', async () => {
    const demo = await site.visit({ name, ownWindow: true });
    demo.page.setDefaultTimeout(60_000);
    await demo.becomes('ready');
    await demo.page.focus('#start');
    const before = await Promise.all(canvases.map((each) => demo.picture(each)));
    const began = performance.now();
    await demo.page.keyboard.press('Enter');
    await demo.becomes('training');
    for (const [i, each] of canvases.entries()) {
      await demo.changes(each, before[i] as string);
      expect(await colors(demo, each), each).toBeGreaterThan(8);
    }
    const seconds = (performance.now() - began) / 1000;
    console.log(`${name}: its pictures are there ${seconds.toFixed(1)} s after Start`);
    expect(seconds).toBeLessThan(LOADED);
    await expect.poll(() => demo.text('told'), { timeout: 60_000 }).toMatch(says);
    await demo.page.keyboard.press('Enter');
    await demo.becomes('paused');
    for (const value of ['light', 'dark']) {
      await demo.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
      expect(await demo.page.evaluate(faintTexts)).toEqual([]);
    }
    for (const width of [320, 360, 844]) {
      await demo.page.setViewport({ width, height: 800, hasTouch: true, isMobile: true });
      expect(await demo.page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      // The way to every page is in sight.
      const right = await demo.page.$eval(
        '.site a:last-child',
        (link) => link.getBoundingClientRect().right,
      );
      expect(right).toBeLessThanOrEqual(width);
    }
    expect(demo.complaints).toEqual([]);
    await demo.page.close();
  }, 120_000);
});

const TAKEN = [
  ['index.html#hidden=64', '#latent', '2'],
  ['mixtures.html', '[name=covariance]', 'diagonal'],
  ['estimators.html', '[name=samples]', '4'],
  ['flows.html#depth=2', '[name=data]', 'circles'],
  ['collapse.html#receptive=1', '[name=latent]', '4'],
] as const;

test.each(TAKEN)(
  '%s: a link carries %s, an image is a picture',
  async (name, control, value) => {
    const demo = await site.visit({ name, ownWindow: true });
    await demo.becomes('ready');
    await demo.page.select(control, value);
    await demo.becomes('ready');
    const { link, image } = await take(demo);
    const { width, height, data } = decode(Uint8Array.from(image));
    expect(Math.min(width, height)).toBeGreaterThan(60);
    expect(new Set(data).size).toBeGreaterThan(8);
    expect(demo.complaints).toEqual([]);
    await demo.page.goto('about:blank');
    await demo.page.goto(link);
    // Before the model is: that a page that was linked to becomes ready, others show.
    const chosen = () => demo.page.$eval(control, (found) => (found as HTMLSelectElement).value);
    await expect.poll(chosen, { timeout: 60_000 }).toBe(value);
    await demo.page.close();
  },
  120_000,
);

test('a link that asks for what cannot be is corrected, and said to be', async () => {
  const demo = await site.visit({
    name: 'index.html#family=conv&data=moons&seed=0.5&beta=1e9&batch=7',
    ownWindow: true,
  });
  expect(await demo.says('This is a VAE')).toMatch(/^Convolutions look at pixels/);
  await demo.becomes('ready');
  expect(new URL(demo.page.url()).hash).toBe('#data=moons&beta=8');
  // A message is put away by keyboard, too.
  await demo.page.keyboard.press('Escape');
  expect(await demo.page.$eval('#notice', (box) => box.checkVisibility())).toBe(false);
  expect(demo.complaints).toEqual([]);
  await demo.page.close();
}, 60_000);

describe('a chapter over time', () => {
  /** Buffers that are there, and the device that was opened last. */
  const watched = () => {
    const made = new Set<GPUBuffer>();
    const { createBuffer } = GPUDevice.prototype;
    const { destroy } = GPUBuffer.prototype;
    const { requestDevice } = GPUAdapter.prototype;
    GPUDevice.prototype.createBuffer = function (descriptor) {
      const buffer = createBuffer.call(this, descriptor);
      // Places to read back from are kept by the device.
      if (!descriptor.label?.startsWith('staging')) made.add(buffer);
      return buffer;
    };
    GPUBuffer.prototype.destroy = function () {
      made.delete(this);
      return destroy.call(this);
    };
    GPUAdapter.prototype.requestDevice = async function (descriptor) {
      const device = await requestDevice.call(this, descriptor);
      Object.assign(globalThis, { lose: () => device.destroy() });
      return device;
    };
    Object.assign(globalThis, { buffers: () => made.size });
  };

  test('resets leave no memory behind, and listeners are left in peace', async () => {
    const demo = await site.visit({ name: 'mixtures.html', before: watched, ownWindow: true });
    const { page } = demo;
    const buffers = () =>
      page.evaluate(() => (globalThis as unknown as { buffers(): number }).buffers());
    const live = () => page.$eval('#told', (told) => told.ariaLive);
    const onceMore = async () => {
      await demo.becomes('ready');
      expect(await live()).toBe('polite');
      await page.click('#start');
      await demo.matches('told', /M step/);
      expect(await live()).toBe('off');
      await page.click('#start');
      await demo.becomes('paused');
      const made = await buffers();
      await page.click('#reset');
      return made;
    };
    const first = await onceMore();
    expect(await onceMore()).toBe(first);
    expect(await onceMore()).toBe(first);
    expect(new URL(page.url()).hash).toBe('#seed=4');
    expect(demo.complaints).toEqual([]);
    await page.close();
  }, 90_000);

  const LOST = [
    // By what comes after: half steps that go on being counted, draws that go on being added up.
    { name: 'mixtures.html#pace=32', canvas: '#rise', count: '#starts :checked ~ span' },
    { name: 'estimators.html#samples=4', canvas: '#ridges', count: '#figures td' },
  ];
  test.each(LOST)(
    '$name: goes on where it was after a lost GPU, running or paused',
    async ({ name, canvas, count }) => {
      const demo = await site.visit({ name, before: watched, ownWindow: true });
      const { page } = demo;
      const lose = () => page.evaluate(() => (globalThis as unknown as { lose(): void }).lose());
      const reached = () =>
        page.$eval(count, ({ textContent }) =>
          textContent === '–' ? 0 : Number(textContent?.replace(/,/g, '').replace('−', '-')),
        );
      await demo.becomes('ready');
      const start = await reached();
      await page.click('#start');
      await expect.poll(reached, { timeout: 30_000 }).toBeGreaterThan(start);
      for (let isRunning = true; ; isRunning = false) {
        const before = await reached();
        const picture = await demo.picture(canvas);
        await lose();
        if (!isRunning) await page.click('#start');
        await demo.says('The GPU was lost and replaced. Nothing is lost');
        expect(await demo.activity).toBe('training');
        await demo.changes(canvas, picture);
        expect(await reached()).toBeGreaterThanOrEqual(before);
        await page.click('#start');
        await demo.becomes('paused');
        if (!isRunning) break;
        await page.keyboard.press('Escape');
      }
      expect(demo.complaints).toEqual([]);
      await page.close();
    },
    90_000,
  );

  test('a lost GPU for which there is no other for now: the run is kept until there is', async () => {
    const demo = await site.visit({ name: 'mixtures.html', before: watched, ownWindow: true });
    const { page } = demo;
    await demo.becomes('ready');
    await page.click('#start');
    await demo.matches('told', /M step/);
    await page.evaluate(() => {
      const { requestAdapter } = GPU.prototype;
      GPU.prototype.requestAdapter = () => Promise.resolve(null);
      // Pauses until it asks once more are long.
      const wait = globalThis.setTimeout;
      const soon = (work: () => void, ms = 0) => wait(work, ms / 50);
      const giveBack = () => {
        GPU.prototype.requestAdapter = requestAdapter;
      };
      Object.assign(globalThis, { setTimeout: soon, giveBack });
      (globalThis as unknown as { lose(): void }).lose();
    });
    await demo.says('the browser offers no other for now');
    await demo.becomes('paused');
    const told = await demo.text('told');
    await page.evaluate(() => (globalThis as unknown as { giveBack(): void }).giveBack());
    await page.click('#start');
    await expect.poll(() => demo.text('told'), { timeout: 20_000 }).not.toBe(told);
    expect(await demo.activity).toBe('training');
    expect(demo.complaints).toEqual([]);
    await page.close();
  }, 60_000);

  test('points of one’s own: waits for as many as there are components', async () => {
    const demo = await site.visit({ name: 'mixtures.html#components=2', ownWindow: true });
    await demo.becomes('ready');
    await demo.page.select('[name=data]', 'own');
    await demo.becomes('waiting');
    expect(await demo.text('told')).toMatch(/^0 of at least 2 points/);
    expect(await demo.text('likelihood')).toBe('–');
    expect(await demo.page.$eval('#start', (start) => start.matches(':disabled'))).toBe(true);
    for (const [x, y] of [
      [80, 90],
      [150, 60],
      [110, 200],
    ] as const) {
      await demo.page.click('#plane', { offset: { x, y } });
    }
    await demo.becomes('ready');
    expect(await demo.text('told')).toMatch(/^3 points/);
    expect(await demo.page.$eval('#notice', (box) => box.checkVisibility())).toBe(false);
    await demo.page.close();
  }, 60_000);

  test('its charts follow the change from light to dark while it is paused', async () => {
    const demo = await site.visit({ name: 'mixtures.html', ownWindow: true });
    await demo.becomes('ready');
    await demo.page.click('#start');
    await demo.matches('told', /M step/);
    await demo.page.click('#start');
    await demo.becomes('paused');
    const accents = () =>
      demo.page.$eval('#rise', (found) => {
        const { width, height } = found as HTMLCanvasElement;
        const picture = (found as HTMLCanvasElement).getContext('2d') as CanvasRenderingContext2D;
        const { data } = picture.getImageData(0, 0, width, height);
        const probe = document.createElement('canvas').getContext('2d') as CanvasRenderingContext2D;
        probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--accent');
        probe.fillRect(0, 0, 1, 1);
        const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
        let count = 0;
        for (let i = 0; i < data.length; i += 4) {
          if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count += 1;
        }
        return count;
      });
    expect(await accents()).toBeGreaterThan(20);
    await demo.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    await expect.poll(accents, { timeout: 5000 }).toBeGreaterThan(20);
    await demo.page.close();
  }, 60_000);
});

describe('where WebGPU is missing', () => {
  const missing = { before: () => Reflect.deleteProperty(Navigator.prototype, 'gpu') };

  test('a chapter is computed in JavaScript, or shows what a model trained before draws', async () => {
    const em = await site.visit({ ...missing, name: 'mixtures.html', ownWindow: true });
    await em.becomes('ready');
    expect(await em.text('unavailable')).toContain('computed in JavaScript');
    for (const width of [1600, 1280, 1000, 390]) {
      await em.page.setViewport({ width, height: 844 });
      const [told, first] = await em.page.$$eval('#unavailable, .lede', (cards) =>
        cards
          .map((card) => card.getBoundingClientRect())
          .map(({ left, right }) => [left, right].map(Math.round)),
      );
      expect(told, `${width} px`).toEqual(first);
    }
    const before = await em.picture('#rise');
    await em.page.click('#start');
    await em.changes('#rise', before);
    await expect.poll(() => em.text('told')).toMatch(/step: /);
    expect(em.complaints).toEqual([]);
    const flow = await site.visit({ ...missing, name: 'flows.html', ownWindow: true });
    await flow.page.waitForSelector('#trained:not([hidden])');
    await expect.poll(() => colors(flow, '#trained'), { timeout: 10_000 }).toBeGreaterThan(8);
    for (const width of [1280, 390]) {
      await flow.page.setViewport({ width, height: 844 });
      expect(await flow.page.$eval('main', (main) => main.checkVisibility())).toBe(false);
    }
    const drawn = await flow.picture('#trained');
    await flow.page.click('#redraw');
    await flow.changes('#trained', drawn);
    expect(flow.complaints).toEqual([]);
  }, 120_000);
});
