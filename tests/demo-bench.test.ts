/** The demo's benchmark page in headless Chrome: it measures, is stopped, saves, compares. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseReport } from '../src/bench/json.ts';
import type { BenchReport } from '../src/bench/report.ts';
import { faintTexts } from './support/contrast.ts';
import { type DemoPage, DemoSite, NO_ADAPTER } from './support/demo.ts';
import { take } from './support/take.ts';

const NAME = 'bench.html';

let site: DemoSite;
let demo: DemoPage;

const visible = (id: string) => demo.page.$eval(`#${id}`, (found) => found.checkVisibility());
const rows = () => demo.page.$$eval('#shares tbody tr', (found) => found.length);

/** A file that the page saves when this is clicked. */
async function saved(id: string, name: string): Promise<string> {
  const path = join(site.folder, 'measured', name);
  await demo.page.click(`#${id}`);
  await expect.poll(() => existsSync(path), { timeout: 5000 }).toBe(true);
  return readFileSync(path, 'utf8');
}

describe('benchmark page', () => {
  beforeAll(async () => {
    site = await DemoSite.open();
    demo = await site.visit({ name: NAME });
    const client = await demo.devtools();
    await client.send('Browser.setDownloadBehavior', {
      behavior: 'allow',
      downloadPath: join(site.folder, 'measured'),
    });
  }, 60_000);

  afterAll(() => site?.close(), 30_000);

  test('shows the peaks first, then a point after another, and can be stopped', async () => {
    expect(await visible('peaks')).toBe(false);
    await demo.page.click('#measure');
    await demo.becomes('measuring');
    await demo.page.waitForFunction(() => document.querySelectorAll('#peaks .tile').length === 6);
    const first = await rows();
    await demo.page.waitForFunction(
      (before) => document.querySelectorAll('#roofline .dot').length > before + 1,
      {},
      first,
    );
    await demo.page.click('#measure');
    await demo.becomes('ready');
    expect(await demo.text('activity')).toContain('Stopped');
    expect(await rows()).toBeGreaterThan(first);
    expect(demo.complaints).toEqual([]);
  });

  test('measures to the end, and what it saves can be read and compared with', async () => {
    await demo.page.click('#measure');
    await demo.becomes('measuring');
    await demo.page.waitForFunction(
      () => document.getElementById('activity')?.textContent === 'Measured',
      { timeout: 120_000 },
    );
    const report: BenchReport = parseReport(await saved('save-json', 'latentgpu-bench.json'), 'it');
    expect(report.host.runtime).toContain('Chrome');
    expect(report.rounds).toBeGreaterThanOrEqual(5);
    for (const { name, group, samples, share } of report.rows) {
      // Peaks are sampled on until their median is known.
      if (group === 'peak') expect(samples.length, name).toBeGreaterThanOrEqual(report.rounds);
      else expect(samples, name).toHaveLength(report.rounds);
      expect(share, name).toBeGreaterThan(0);
    }
    const measured = report.rows.filter(({ group }) => group !== 'peak');
    expect(await rows()).toBe(measured.length);
    expect(await demo.text('host')).toMatch(/each waited for *[\d.]+×/);
    const [peak] = await demo.page.$$eval('#peaks dd', (found) =>
      found.map((each) => Number.parseFloat(each.textContent ?? '')),
    );
    expect(peak).toBeCloseTo(report.peaks.flops / 1e9, -Math.log10(0.01 * (peak ?? 1)));

    expect(await visible('comparison')).toBe(false);
    const path = join(site.folder, 'measured', 'latentgpu-bench.json');
    await demo.chooseFiles([path]);
    await demo.page.waitForFunction(
      (count) => document.querySelectorAll('#comparison tbody tr').length === count,
      {},
      report.rows.length,
    );
    expect(await demo.text('comparison-title')).toBe('Against latentgpu-bench.json');
    const page = await saved('save-page', 'latentgpu-bench.html');
    expect(parseReport(page, 'the page')).toEqual(report);
    expect(page).toContain('Against an earlier run');
    await demo.chooseFiles([site.file('notes.json', '{"a": 1}')]);
    await demo.says('notes.json is no benchmark report: its JSON is of something else');
    await demo.chooseFiles([site.file('notes.txt', 'slow')]);
    await demo.says('notes.txt is no benchmark report: it holds no JSON');
    expect(demo.complaints).toEqual([]);
  }, 180_000);

  test('a link carries how much is measured, an image is the roofline', async () => {
    const other = await site.visit({ name: `${NAME}#length=long`, ownWindow: true });
    const long = () =>
      other.page.$eval('[value="long"]', (found) => (found as HTMLInputElement).checked);
    expect(await long()).toBe(true);
    expect(await other.page.$eval('#share-image', (found) => found.matches(':disabled'))).toBe(
      true,
    );
    expect(other.complaints).toEqual([]);
    await other.page.close();

    await demo.page.click('.segments label:last-of-type');
    const { link, image } = await take(demo);
    expect(new URL(link).hash).toBe('#length=long');
    const { width, height, data, channels } = decode(Uint8Array.from(image));
    const chart = await demo.page.$eval('#roofline svg', (found) => found.clientWidth);
    expect(width).toBe(2 * (chart + 48));
    expect(height).toBeGreaterThan(400);
    // Axes, roofs and points in their colours, not the black of a chart without its style sheet.
    const colors = new Map<string, number>();
    for (let i = 0; i < data.length; i += channels) {
      const color = data.slice(i, i + 3).join(' ');
      colors.set(color, (colors.get(color) ?? 0) + 1);
    }
    const accent = '47 91 208';
    expect(colors.get(accent)).toBeGreaterThan(100);
    expect(colors.get('0 0 0') ?? 0).toBe(0);
    await demo.page.click('.segments label');
    expect(await demo.page.evaluate(() => location.hash)).toBe('');
    expect(demo.complaints).toEqual([]);
  });

  test('can be read in light and dark, and fits a phone', async () => {
    for (const value of ['light', 'dark']) {
      await demo.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
      expect(await demo.page.evaluate(faintTexts)).toEqual([]);
    }
    await demo.page.emulateMediaFeatures([]);
    for (const width of [320, 390, 844]) {
      await demo.page.setViewport({ width, height: 844 });
      const drawn = () =>
        demo.page.$eval('#roofline svg', (chart) => chart.getBoundingClientRect().right);
      await expect.poll(drawn, { timeout: 3000 }).toBeLessThanOrEqual(width);
      expect(await demo.page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    }
  });

  test('says so where WebGPU is missing', async () => {
    const other = await site.visit({
      name: NAME,
      base: NO_ADAPTER,
      before: () => Reflect.deleteProperty(Navigator.prototype, 'gpu'),
    });
    await other.page.click('#measure');
    await other.page.waitForSelector('#unavailable:not([hidden])');
    expect(await other.text('unavailable')).toContain('offers no WebGPU');
    await expect.poll(() => other.text('instead')).toContain('nothing to measure');
    expect(await other.text('unavailable')).toContain('What to do');
    expect(await other.text('activity')).toBe('No WebGPU');
    expect(await other.page.$eval('main', (main) => main.checkVisibility())).toBe(false);
    expect(other.complaints).toEqual([]);
    await other.page.close();
  });
});
