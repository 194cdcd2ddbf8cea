/** The visitor's table of numbers and words on the demo's page: learned, written as words, saved, read elsewhere, opened. */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensors } from '../src/formats/safetensors.ts';
import { load } from '../src/sampler/index.ts';
import { buildCli, start } from './support/cli.ts';
import { type DemoPage, DemoSite } from './support/demo.ts';

const JOBS = ['cook', 'nurse', 'smith'];
const HEADINGS = ['pay', 'job', 'sex'];
const ROWS = 200;
const SETTINGS = '#hidden=32&batch=32&latent=2';

/** A job tells the pay. */
const lines = Array.from({ length: ROWS }, (_, i) => {
  const pay = 1000 + 700 * (i % 3) + ((37 * i) % 100);
  return `${pay},${JOBS[i % 3]},${i % 2 ? 'f' : 'm'}`;
});
const csv = (rows: readonly string[]) => `${[HEADINGS.join(), ...rows].join('\n')}\n`;

let site: DemoSite;
let demo: DemoPage;
let saved = '';

beforeAll(async () => {
  await buildCli();
  site = await DemoSite.open();
  saved = join(site.folder, 'saved');
  demo = await site.visit({ name: SETTINGS });
  await demo.becomes('ready');
}, 120_000);
afterAll(() => site?.close(), 30_000);

const texts = (selector: string) =>
  demo.page.$$eval(selector, (found) => found.map((each) => each.textContent ?? ''));

/** The model of the page in a folder of its own. */
async function save(folder: string): Promise<void> {
  const client = await demo.devtools();
  await client.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: folder });
  await demo.page.click('#save');
  const names = async () => (await readdir(folder).catch(() => [])).sort().join();
  await expect.poll(names, { timeout: 5000 }).toBe('model.json,weights.safetensors');
}

const tensorsOf = (folder: string) =>
  readSafetensors(readFileSync(join(folder, 'weights.safetensors'))).tensors;

async function cli(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await start(args, site.folder).run;
  expect(code, stderr).toBe(0);
  return stdout;
}

test('what is taken for categories is said, and draws have words', async () => {
  await demo.chooseFiles([site.file('people.csv', csv(lines))]);
  await demo.says('Open: people.csv. Its words are categories');
  await demo.becomes('ready');
  const kind = 'rows of 1 number and 2 categories: job (3 words), sex (2)';
  expect(await demo.page.$eval('#data-name', ({ textContent }) => textContent)).toBe(
    `people.csv: 180 ${kind}`,
  );
  await demo.train(true);
  await demo.stepBeyond(150);
  await demo.train(false);
  expect(await texts('#headings th')).toEqual(HEADINGS);
  const drawn = await texts('#drawn-rows td');
  expect(drawn.length).toBe(6 * HEADINGS.length);
  for (let i = 0; i < drawn.length; i += HEADINGS.length) {
    expect(drawn[i]).toMatch(/^−?[\d,]+$/);
    expect(JOBS).toContain(drawn[i + 1]);
    expect(['f', 'm']).toContain(drawn[i + 2]);
  }
  expect(demo.complaints).toEqual([]);
});

test('what lies at a point of the map is a row', async () => {
  const before = await texts('#row dd');
  expect(await texts('#row dt')).toEqual(HEADINGS);
  await demo.page.focus('#map');
  await demo.page.keyboard.down('Shift');
  for (let i = 0; i < 4; i++) await demo.page.keyboard.press('ArrowUp');
  await demo.page.keyboard.up('Shift');
  await expect.poll(() => texts('#row dd'), { timeout: 20_000 }).not.toEqual(before);
  expect(JOBS).toContain((await texts('#row dd'))[1]);
});

test('it fits a phone', async () => {
  const before = demo.page.viewport();
  await demo.page.setViewport({ width: 390, height: 844 });
  const width = await demo.page.evaluate(() => document.documentElement.scrollWidth);
  await demo.page.setViewport(before);
  expect(width).toBe(390);
});

test('its model is read by the command line and by the sampler', async () => {
  await save(saved);
  const { data } = JSON.parse(readFileSync(join(saved, 'model.json'), 'utf8'));
  expect(data.categories).toEqual([
    { column: 'job', at: 1, levels: JOBS },
    { column: 'sex', at: 4, levels: ['f', 'm'] },
  ]);
  await cli('sample', 'saved', '--count', '40', '--draw', '--out', 'more.csv');
  const [headings, ...rows] = readFileSync(join(site.folder, 'more.csv'), 'utf8')
    .trim()
    .split('\n');
  expect(headings).toBe(HEADINGS.join());
  expect(rows.length).toBe(40);
  for (const row of rows) expect(JOBS).toContain(row.split(',')[1]);
  await cli('eval', 'saved', '--data', 'people.csv', '--samples', '1', '--quiet');
  await cli('export', 'saved', '--to', 'web', '--out', 'web');
  const sampler = await load(join(site.folder, 'web'), { backend: 'javascript' });
  const drawn = await sampler.sample(5, { seed: 1 });
  sampler.destroy();
  expect(drawn.length).toBe(5 * 6);
});

test('cells may be empty: what is seen is learned from, and families that need all are refused', async () => {
  const holes = lines.map((line, i) => {
    const [pay, job, sex] = line.split(',');
    return [i % 4 === 1 ? '' : pay, i % 4 === 2 ? '?' : job, i % 4 === 3 ? 'NA' : sex].join();
  });
  await demo.chooseFiles([site.file('holes.csv', csv(holes))]);
  await demo.says('Open: holes.csv.');
  await demo.becomes('ready');
  const told = await demo.page.$eval('#data-name', ({ textContent }) => textContent);
  expect(told).toMatch(/sex \(2\); \d+ of 540 values missing$/);
  await demo.train(true);
  await demo.stepBeyond(150);
  await demo.train(false);
  const drawn = await texts('#drawn-rows td');
  for (let i = 0; i < drawn.length; i += HEADINGS.length) {
    expect(drawn[i]).toMatch(/^−?[\d,]+$/);
    expect(JOBS).toContain(drawn[i + 1]);
  }
  await demo.page.click('#measure');
  await demo.matches('likelihood-text', /By annealing/);
  const likely = await demo.text('likelihood-text');
  const [, bound, sampled] = /K = 5000: (\S+) ± .* annealing (\S+) ±/.exec(likely) ?? [];
  const inNumbers = (text = 'none') => Number(text.replace('−', '-'));
  expect(Math.abs(inNumbers(bound) - inNumbers(sampled)), likely).toBeLessThan(1);
  await demo.page.select('#family', 'vade');
  await demo.says('holes.csv has empty cells');
  expect(demo.complaints).toEqual([]);
});

test('its model opens again over the same table, and over no other', async () => {
  await demo.page.reload();
  await demo.becomes('ready');
  const files = ['model.json', 'weights.safetensors'].map((name) => join(saved, name));
  await demo.chooseFiles(files);
  await demo.says('saved model is for data of [6] and the data here are [28');
  const others = lines.map((line) => line.replace('smith', 'tailor'));
  await demo.chooseFiles([site.file('others.csv', csv(others))]);
  await demo.says('Open: others.csv.');
  await demo.becomes('ready');
  await demo.chooseFiles(files);
  await demo.says('with job=smith and the data here are with job=tailor');
  // Fewer rows have other means: those of the model are taken.
  await demo.chooseFiles([site.file('again.csv', csv(lines.slice(20)))]);
  await demo.says('Open: again.csv.');
  await demo.becomes('ready');
  await demo.chooseFiles(files);
  await demo.says('The saved model is open');
  const again = join(site.folder, 'again');
  await save(again);
  expect(tensorsOf(again)).toEqual(tensorsOf(saved));
  await demo.train(true);
  await demo.stepBeyond(20);
  await demo.train(false);
  expect(demo.complaints).toEqual([]);
});
