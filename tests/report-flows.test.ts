/** `latentgpu report` of flows: what is in the page, by value, and that it is drawn. */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode as decodePng } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { writeNpy } from '../src/formats/npy.ts';
import { launchBrowser } from '../src/testing/chrome.ts';
import { reals } from './support/engine.ts';
import { perform } from './support/perform.ts';
import { commands, headings, matches, notes, tableOf, tile } from './support/report-page.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder = '';
const here = (path: string) => join(folder, path);

/** @param line or its words, where they hold spaces */
async function works(line: string | readonly string[]): Promise<string> {
  const words = typeof line === 'string' ? line.split(' ') : line;
  const { code, stdout, stderr } = await perform(words, folder);
  expect(code, `${line}\n${stderr}`).toBe(0);
  return stdout;
}

// biome-ignore lint/suspicious/noExplicitAny: what a command says is for each test to know.
const json = async (line: string): Promise<any> => JSON.parse(await works(`${line} --json`));
const page = (name: string) => readFile(here(`${name}/report.html`), 'utf8');

const HOSTILE = `<script>window.ran = true</script><img src=x onerror="window.ran = true">'"&`;

const LAYERS = '{"layers": [{"type": "lu"}, {"type": "coupling", "hidden": [4]}]}';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-report-flows-'));
  const greys = reals('greys', 100 * 16, 0, 255).map((x) => Math.round(x) / 255);
  await writeFile(here('greys.npy'), writeNpy(greys, [100, 4, 4]));
  const rows = reals('rows', 180, -30, 30);
  const lines = Array.from({ length: 60 }, (_, i) => rows.subarray(3 * i, 3 * i + 3).join(','));
  await writeFile(here('table.csv'), `a,b,c\n${lines.join('\n')}\n`);
  await writeFile(here('layers.json'), LAYERS);
  const few = '--epochs 2 --quiet --set evaluate.limit=50';
  await works(
    `train realnvp --data moons --limit 300 --batch 100 ${few} depth=2 net.hidden=8 --out moons`,
  );
  await works(
    `train glow --data greys.npy --hold-out 20 --batch 20 ${few} depth=1 levels=1 net.hidden=4 dequantize=variational dequantizer.hidden=4 --out images`,
  );
  await works(
    `train flow --data table.csv --config layers.json --standardize --batch 20 ${few} --out table`,
  );
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

describe('points in the plane', () => {
  test('the numbers of `eval`, pictures, curves and layers', async () => {
    const { pictures, missing, evaluation } = await json('report moons --limit 200 --seed 3');
    const text = await page('moons');
    const [trainLine, evalLine] = commands(text);
    expect(trainLine).toBe(
      'latentgpu train realnvp --data moons --limit 300 --batch 100 --epochs 2 ' +
        '--set depth=2 net.hidden=8 evaluate.limit=50 --out moons-again',
    );
    expect(evalLine).toBe('latentgpu eval moons --limit 200 --seed 3');
    const found = await json((evalLine as string).replace('latentgpu ', ''));
    expect(evaluation.negativeLogLikelihood).toBe(found.negativeLogLikelihood);
    expect(tile(text, 'nll')).toBe(found.negativeLogLikelihood);
    expect(tile(text, 'nll-error')).toBe(found.standardError);
    expect(tile(text, 'bits')).toBeUndefined();
    expect(text).toContain('Of moons, 200 rows: test split, values as they are.');
    expect({ missing, notes: notes(text) }).toEqual({ missing: [], notes: [] });
    expect(pictures).toEqual(['Samples', 'Density', 'Deformed grid', 'Noise']);
    const encoded = matches(text, /<img src="data:image\/png;base64,(.*?)" alt="[^"]{10,}">/g);
    expect(encoded).toHaveLength(4);
    for (const picture of encoded) {
      expect(new Set(decodePng(Buffer.from(picture, 'base64')).data).size).toBeGreaterThan(10);
    }
    const reports = (await readFile(here('moons/metrics.jsonl'), 'utf8')).trim().split('\n');
    const loss = tableOf(text, 'Loss, −log p(x) (nats)');
    expect(loss).toHaveLength(2);
    loss.forEach(([step, training, tested], i) => {
      const report = JSON.parse(reports[i] as string);
      expect(Number(step)).toBe(report.step);
      expect(Number(training)).toBeCloseTo(report.loss, 4);
      expect(Number(tested)).toBeCloseTo(report.evaluation.negativeLogLikelihood, 4);
    });
    expect(headings(text)).not.toContain('Bits per dimension');
    const layers = text.slice(text.indexOf('<h2 id="layers">'), text.indexOf('id="configuration"'));
    expect(matches(layers, /<span class="key">(.*?)<\/span>/g)).toEqual([
      'normal noise',
      'coupling',
      'actnorm',
      'coupling',
      'actnorm',
    ]);
    expect(layers).toContain('mask &quot;half&quot;, flip true, hidden [8]');
  });

  test('of a folder from elsewhere: what noise becomes, and names as text', async () => {
    await mkdir(here('foreign'));
    await copyFile(here('moons/weights.safetensors'), here('foreign/weights.safetensors'));
    const model = JSON.parse(await readFile(here('moons/model.json'), 'utf8'));
    model.data.name = HOSTILE;
    await writeFile(here('foreign/model.json'), JSON.stringify(model));
    const { evaluation, pictures } = await json('report foreign');
    expect(evaluation).toBe(null);
    expect(pictures).toEqual(['Samples', 'Density', 'Deformed grid']);
    const text = await page('foreign');
    expect(notes(text)).toHaveLength(3);
    expect(headings(text)).not.toContain('Likelihood');
    expect(headings(text)[0]).toBe(`RealNVP on ${HOSTILE}`);
    expect(text.split('<script').length - 1).toBe(1);
    expect(commands(text)).toEqual(['latentgpu report foreign --seed 0']);
  });
});

describe('images', () => {
  test('bits of grey levels, and samples of two temperatures', async () => {
    const { pictures, evaluation } = await json('report images --seed 1');
    expect(pictures).toEqual(['Data', 'Samples', 'Cooler samples', 'Interpolation']);
    const text = await page('images');
    const [trainLine, evalLine = ''] = commands(text);
    expect(trainLine).toMatch(
      /greys.npy --batch 20 --epochs 2 --hold-out 20 --set depth=1 levels=1 net.hidden=4 dequantize=variational dequantizer.hidden=4 evaluate.limit=50 --out images-again$/,
    );
    expect(evalLine).toBe('latentgpu eval images --samples 1 --seed 1');
    const found = await json(evalLine.replace('latentgpu ', ''));
    expect(tile(text, 'nll')).toBe(found.negativeLogLikelihood);
    expect(tile(text, 'bits')).toBe(found.bitsPerDimension);
    expect(tile(text, 'bits-error')).toBeCloseTo(found.standardError / (16 * Math.LN2), 12);
    expect(text).toContain('256 grey levels, dequantised variationally, logit 0.000001');
    expect(text).toContain('depth 2, hidden [4]');
    // What was learned came through the file as it was.
    const lines = (await readFile(here('images/metrics.jsonl'), 'utf8')).trim().split('\n');
    expect(evaluation).toEqual(JSON.parse(lines.at(-1) as string).evaluation);
    for (const [, training, tested] of tableOf(text, 'Bits per dimension')) {
      expect(Number(training)).toBeGreaterThan(7);
      expect(Number(tested)).toBeGreaterThan(7);
    }
  });

  test('the page is drawn on a narrow screen in the dark', async () => {
    const browser = await launchBrowser();
    try {
      const opened = await browser.newPage();
      const complaints: string[] = [];
      opened.on('pageerror', (error) => complaints.push(String(error)));
      opened.on('console', (message) => complaints.push(message.text()));
      await opened.setViewport({ width: 390, height: 900 });
      await opened.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
      await opened.goto(pathToFileURL(here('images/report.html')).href);
      const seen = await opened.evaluate(() => ({
        overflow: document.documentElement.scrollWidth - innerWidth,
        broken: [...document.images].filter((image) => image.naturalWidth === 0).length,
        charts: document.querySelectorAll('figure.chart canvas').length,
      }));
      expect(seen).toEqual({ overflow: 0, broken: 0, charts: 4 });
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});

test('a table and a list of layers: on its own rows, and the same weights again', async () => {
  const { pictures, missing, split } = await json('report table');
  expect({ pictures, split }).toEqual({ pictures: ['Samples', 'Interpolation'], split: 'train' });
  expect(missing).toEqual([expect.stringContaining('no test split')]);
  const text = await page('table');
  expect(notes(text)).toEqual(missing);
  expect(headings(text)[0]).toBe('Flow on table.csv');
  expect(text).toContain('standardised for the model');
  const [line] = commands(text) as [string];
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, inner, plain]) => inner ?? plain);
  await works(words.slice(1) as string[]);
  const weights = (of: string) => readFile(here(`${of}/weights.safetensors`));
  expect((await weights('table')).equals(await weights('table-again')), line).toBe(true);
});
