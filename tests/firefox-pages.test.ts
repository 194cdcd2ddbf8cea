/** The demo, and the README's page of the sampler, in headless Firefox. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { load } from '../src/sampler/index.ts';
import { launchFirefox } from '../src/testing/firefox.ts';
import { ROOT } from './support/cli.ts';
import { DemoSite } from './support/demo.ts';
import { type Body, buildSampler, DIGITS, grids, putModel, serveFiles } from './support/sampler.ts';

describe('in Firefox', () => {
  let browser: Browser;
  let site: DemoSite;
  let folder = '';

  beforeAll(async () => {
    browser = await launchFirefox();
    folder = mkdtempSync(join(tmpdir(), 'latentgpu-firefox-'));
    site = await DemoSite.open(async () => browser);
  }, 120_000);
  afterAll(async () => {
    await site?.close();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  test('the demo trains: the loss falls and the pictures follow', async () => {
    const demo = await site.visit();
    demo.page.setDefaultTimeout(100_000);
    await demo.becomes('ready');
    console.log(`adapter of the demo page: ${await demo.text('adapter')}`);
    const before = await demo.picture('#samples');
    await demo.train(true);
    await demo.page.waitForFunction(() => document.getElementById('loss')?.textContent !== '–');
    const first = await demo.value('loss');
    await demo.stepBeyond(40);
    await demo.changes('#samples', before);
    await demo.train(false);
    expect(await demo.value('loss')).toBeLessThan(first);
    expect(demo.complaints).toEqual([]);
    await demo.page.close();
  }, 120_000);

  test.each([
    ['#data=moons&latent=2&hidden=64', '#train', '#cloud'],
    ['mixtures.html', '#start', '#beside'],
    ['estimators.html#samples=4', '#start', '#ridges'],
    ['flows.html#depth=2', '#start', '#loss'],
    ['collapse.html#receptive=0', '#start', '#stream'],
  ])(
    '%s opens, acts and does not complain',
    async (name, start, picture) => {
      const demo = await site.visit({ name });
      demo.page.setDefaultTimeout(60_000);
      await demo.becomes('ready');
      const before = await demo.picture(picture);
      await demo.page.click(start);
      await demo.changes(picture, before);
      expect(demo.complaints).toEqual([]);
      await demo.page.close();
    },
    90_000,
  );

  test('a chapter that was left while it ran goes on, or begins anew', async () => {
    const demo = await site.visit({ name: 'mixtures.html#covariance=tied' });
    demo.page.setDefaultTimeout(60_000);
    await demo.becomes('ready');
    await demo.page.click('#start');
    await demo.becomes('training');
    await demo.page.evaluate(() => {
      location.href = 'bench.html';
    });
    await demo.page.waitForFunction(() => location.pathname.endsWith('bench.html'));
    await demo.page.evaluate(() => history.back());
    await demo.page.waitForFunction(() => location.pathname.endsWith('mixtures.html'));
    const left = await demo.text('told');
    await expect.poll(() => demo.text('told'), { timeout: 30_000 }).not.toBe(left);
    expect(demo.page.url()).toContain('#covariance=tied');
    await demo.page.close();
  }, 120_000);

  test('the page of the README draws digits on the GPU', async () => {
    const files = new Map<string, Body>([
      ['/sampler.js', await buildSampler(join(folder, 'dist'))],
      ['/sampler.html', readFileSync(join(ROOT, 'tests/pages/sampler.html'))],
    ]);
    putModel(files, 'digits', DIGITS);
    const server = await serveFiles(files);
    try {
      const page = await browser.newPage();
      await page.goto(`${server.url}/sampler.html`);
      const reference = await load(DIGITS, { backend: 'javascript' });
      const [shown, expected] = await grids(page, reference);
      const off = shown.map((value, i) => Math.abs(value - (expected[i] as number)));
      expect(Math.max(...off)).toBeLessThanOrEqual(1);
      expect(await page.$eval('#status', (element) => element.textContent)).toMatch(
        /^Drawn by (?!JavaScript)./,
      );
    } finally {
      server.close();
    }
  }, 120_000);
});
