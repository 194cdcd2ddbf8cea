/** `latentgpu bench` as a command: its curves, its page, and runs that are compared with a page. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseReport } from '../src/bench/json.ts';
import { benchPage } from '../src/bench/page/page.ts';
import { hostText } from '../src/bench/page/parts.ts';
import type { BenchReport } from '../src/bench/report.ts';
import { logTicks } from '../src/report/log-plot.ts';
import { launchBrowser } from '../src/testing/chrome.ts';
import { buildCli, type Run, start } from './support/cli.ts';
import { faintTexts } from './support/contrast.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder = '';
let browser: Browser;
const here = (name: string) => join(folder, name);
const run = (line: string): Promise<Run> => start(line.split(' '), folder).run;
const text = (name: string) => readFile(here(name), 'utf8');

/** Everything small. */
const QUICK = '--seconds 0.01 --rounds 2 --filter chain sample elementwise';

async function works(line: string): Promise<Run> {
  const result = await run(line);
  expect(result.code, `${line}\n${result.stderr}`).toBe(0);
  return result;
}

beforeAll(async () => {
  await buildCli();
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-bench-'));
  browser = await launchBrowser();
  await works(`bench ${QUICK} --curves count --out now.json --html now.html`);
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true });
});

/** Opens a page without a network; what it asks for and complains about is collected. */
async function open(name: string, width: number): Promise<{ page: Page; heard: string[] }> {
  const page = await browser.newPage();
  const heard: string[] = [];
  page.on('pageerror', (error) => heard.push(String(error)));
  page.on('console', (message) => heard.push(message.text()));
  page.on('request', (request) => {
    if (!request.url().startsWith('file:')) heard.push(request.url());
  });
  await page.setOfflineMode(true);
  await page.setViewport({ width, height: 900 });
  await page.goto(pathToFileURL(here(name)).href);
  return { page, heard };
}

describe('the page', () => {
  test('holds the measurements, and shows each of them', async () => {
    const report = parseReport(await text('now.json'), 'now.json');
    expect(report.command).toBe(
      'latentgpu bench --filter chain sample elementwise --curves count --seconds 0.01 --rounds 2',
    );
    expect(report.curves?.map(({ name }) => name)).toEqual(['sampling against count']);
    const html = await text('now.html');
    expect(parseReport(html, 'now.html')).toEqual(report);
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
    expect(html).toContain(report.command);
    const names = report.rows.filter(({ group }) => group !== 'peak').map(({ name }) => name);
    const { page, heard } = await open('now.html', 1280);
    expect(
      await page.$$eval('#roofline ~ .scroll tbody th', (all) => all.map((x) => x.textContent)),
    ).toEqual(names);
    const dots = await page.$$eval('.wide .dot.kernel title', (all) => all.length);
    expect(dots).toBe(names.filter((name) => /chain|elementwise/.test(name)).length);
    const points = await page.$$eval('.wide .dot.now', (all) => all.length);
    expect(points).toBe(report.curves?.[0]?.points.length);
    expect(heard).toEqual([]);
    await page.close();
  });

  test('can be read in light and dark, on a screen and on a phone', async () => {
    for (const width of [1280, 360]) {
      const { page, heard } = await open('now.html', width);
      for (const value of ['light', 'dark']) {
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
        expect(await page.evaluate(faintTexts)).toEqual([]);
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      expect(await page.$$eval('svg.chart', (all) => all.some((x) => x.checkVisibility()))).toBe(
        true,
      );
      expect(heard).toEqual([]);
      await page.close();
    }
  });

  test('lets no name out of its place', async () => {
    const report = parseReport(await text('now.json'), 'now.json');
    const hostile = `</script><script>window.ran = true</script><img src=x onerror="window.ran = 1">`;
    const named: BenchReport = {
      ...report,
      adapter: { ...report.adapter, name: hostile },
      rows: report.rows.map((row) => ({ ...row, name: `${row.name} ${hostile}` })),
    };
    const html = await benchPage(named, named);
    expect(parseReport(html, 'it')).toEqual(named);
    await writeFile(here('hostile.html'), html);
    const { page, heard } = await open('hostile.html', 1280);
    expect(await page.evaluate(() => 'ran' in window)).toBe(false);
    expect(await page.$eval('h1', (found) => found.textContent)).toBe(hostile);
    expect(heard).toEqual([]);
    await page.close();
  });
});

test('an earlier run is shown again, and compared with a page', async () => {
  const before = await text('now.html');
  const { stdout } = await works('bench --from now.json --compare now.html --html both.html');
  expect(stdout).toContain('sampling against count');
  expect(stdout).toContain('compared with now.html');
  expect(stdout).toMatch(/chain of 200, 1024 +[\d.]+ +[\d.]+ +1\.00×/);
  expect(await text('both.html')).toContain('Against an earlier run');
  expect(await text('now.html')).toBe(before);
  const { stdout: json } = await works('bench --from now.html --compare now.json --json');
  const { comparison, ...report } = JSON.parse(json);
  expect(report).toEqual(parseReport(before, 'now.html'));
  expect(
    comparison.rows.every(({ ratio }: { ratio: { value: number } }) => ratio.value === 1),
  ).toBe(true);
});

test.each([
  ['bench --html page.txt', 'name a file that ends in .html'],
  ['bench --html nowhere/page.html', '--html nowhere/page.html: there is no folder nowhere'],
  ['bench --from nothing.json', 'cannot read nothing.json'],
  ['bench --from now.json --curves', '--from and --curves exclude each other'],
  ['bench --profile vae --html x.html', '--profile and --html exclude each other'],
  ['bench --curves sideways', "no curve has 'sideways' in its name"],
])('%s is refused in one line', async (line, why) => {
  const { code, stdout, stderr } = await run(line);
  expect(code, stderr).toBe(2);
  expect(stdout).toBe('');
  // How busy the machine is may be said before.
  expect(stderr.trimEnd().split('\n').at(-1)).toContain(why);
});

test('a browser is called by its name, and other hosts as they call themselves', () => {
  const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)';
  expect(hostText(`${chrome} HeadlessChrome/156.0.0.0 Safari/537.36`)).toBe(
    'Chrome 156, Linux x86_64',
  );
  const windows = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36';
  expect(hostText(`${windows} Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0`)).toBe(
    'Edge 150, Windows NT 10.0',
  );
  const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15';
  expect(hostText(`${mac} Version/26.1 Safari/605.1.15`)).toBe('Safari 26.1, Mac OS X');
  expect(hostText('Node.js 20.20.2')).toBe('Node.js 20.20.2');
});

test('lines of a logarithmic axis are round numbers within it', () => {
  expect(logTicks(0.9, 30)).toEqual([1, 2, 5, 10, 20]);
  expect(logTicks(0.02, 5000)).toEqual([0.1, 1, 10, 100, 1000]);
  expect(logTicks(1e-9, 1e9).length).toBeLessThanOrEqual(9);
});
