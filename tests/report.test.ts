/** `latentgpu report`: what is in the page, by value, that it needs nothing else, and that it is drawn. */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode as decodePng } from 'fast-png';
import type { Browser, Page } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Variable } from '../src/graph/variable.ts';
import {
  buildModel,
  type CodedConfig,
  type ModelConfig,
  modelJson,
  writeWeights,
} from '../src/models/index.ts';
import type { ReportContent } from '../src/report/content.ts';
import { reportPage } from '../src/report/page.ts';
import { launchBrowser } from '../src/testing/chrome.ts';
import { buildCli, type Run, startHeard } from './support/cli.ts';
import { reals } from './support/engine.ts';
import { perform } from './support/perform.ts';
import { commands, headings, matches, notes, tableOf, tile } from './support/report-page.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder = '';
let browser: Browser;
const here = (path: string) => join(folder, path);

async function works(line: string): Promise<Run> {
  const run = await perform(line.split(' ').filter(Boolean), folder);
  expect(run.code, `${line}\n${run.stderr}`).toBe(0);
  expect(run.stderr, line).toBe('');
  return run;
}

// biome-ignore lint/suspicious/noExplicitAny: what a command says is for each test to know.
async function json(line: string): Promise<any> {
  return JSON.parse((await works(`${line} --json`)).stdout);
}

async function refused(line: string): Promise<string> {
  const { code, stdout, stderr } = await perform(line.split(' '), folder);
  expect(code, stderr).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  return stderr;
}

const exists = (path: string) =>
  stat(here(path)).then(
    () => true,
    () => false,
  );
const page = (name: string) => readFile(here(`${name}/report.html`), 'utf8');

const HOSTILE = `<script>window.ran = true</script><img src=x onerror="window.ran = true">'"&`;

/** A model folder as somebody else might have written it. */
async function makeFolder(name: string, data: ModelConfig['data']): Promise<void> {
  const net: (ModelConfig & CodedConfig)['encoder'] = { hidden: [8], activation: 'relu' };
  const config: ModelConfig & CodedConfig = {
    family: 'vae',
    data,
    encoder: net,
    latent: 2,
    decoder: net,
    likelihood: { kind: 'bernoulli' },
    objective: { bound: 'elbo', samples: 1, kl: 'analytic', beta: 1 },
    init: 'torch',
  };
  const values = new Map<Variable, Float32Array>(
    buildModel(config)
      .namedParameters()
      .map(([path, p]) => [p, reals(`${name} ${path}`, p.size, -0.7, 0.7)]),
  );
  await mkdir(here(name));
  await writeFile(here(`${name}/model.json`), modelJson(config));
  await writeFile(here(`${name}/weights.safetensors`), writeWeights(values));
}

beforeAll(async () => {
  await buildCli();
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-report-'));
  const small = '--set encoder.hidden=16 decoder.hidden=16';
  await works(`train vae --data digits --limit 200 --batch 40 --epochs 3 ${small} --out model`);
  await works('report model --limit 60 --samples 20 --seed 3');
  browser = await launchBrowser();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true });
});

/** Opens a file without a network, in a narrow or a wide window; what is complained about is collected. */
async function open(
  path: string,
  { width = 1280, scheme = 'light' } = {},
): Promise<{ page: Page; complaints: string[]; requests: string[] }> {
  const opened = await browser.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  opened.on('pageerror', (error) => complaints.push(String(error)));
  opened.on('console', (message) => complaints.push(message.text()));
  opened.on('request', (request) => requests.push(request.url()));
  await opened.setOfflineMode(true);
  await opened.setViewport({ width, height: 900 });
  await opened.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await opened.goto(pathToFileURL(here(path)).href);
  return { page: opened, complaints, requests };
}

describe('the page of a VAE', () => {
  test('has the numbers of `eval`, by the command that it names', async () => {
    const text = await page('model');
    const [, evalLine] = commands(text);
    expect(evalLine).toBe('latentgpu eval model --limit 60 --samples 20 --seed 3');
    const { nll, ...bound } = await json((evalLine as string).replace('latentgpu ', ''));
    expect(tile(text, 'nll')).toBe(nll.value);
    expect(tile(text, 'nll-error')).toBe(nll.standardError);
    expect(tile(text, 'effective-sample-size')).toBe(nll.effectiveSampleSize);
    expect(tile(text, 'negative-elbo')).toBe(bound.negativeElbo);
    expect(tile(text, 'negative-elbo-error')).toBe(bound.standardError);
    expect(tile(text, 'kl')).toBe(bound.kl);
    expect(tile(text, 'active-units')).toBe(bound.activeUnits);
    expect(tile(text, 'bits')).toBeCloseTo(nll.value / (784 * Math.log(2)), 12);
    expect(text).toContain('K = 20 samples a row');
    expect(text).toContain('Of digits, 60 rows: test split, binarised (resampled');
  });

  test('names the command that trains the same model', async () => {
    const [line] = commands(await page('model'));
    expect(line).toBe(
      'latentgpu train vae --data digits --limit 200 --batch 40 --epochs 3 --binarize resampled ' +
        '--set encoder.hidden=16 decoder.hidden=16 --out model-again',
    );
    await works((line as string).replace('latentgpu ', ''));
    const weights = (name: string) => readFile(here(`${name}/weights.safetensors`));
    expect((await weights('model')).equals(await weights('model-again'))).toBe(true);
  });

  test('has the curves of training, and what every latent dimension tells', async () => {
    const text = await page('model');
    const lines = (await readFile(here('model/metrics.jsonl'), 'utf8')).trim().split('\n');
    const reports = lines.map((line) => JSON.parse(line));
    const loss = tableOf(text, 'Loss (nats)');
    expect(loss).toHaveLength(3);
    loss.forEach(([step, training, bound], i) => {
      expect(Number(step)).toBe(reports[i].step);
      expect(Number(training)).toBeCloseTo(reports[i].loss, 2);
      expect(Number(bound)).toBeCloseTo(reports[i].evaluation.negativeElbo, 2);
    });
    expect(tableOf(text, 'Learning rate').map((row) => row[1])).toEqual([
      '0.001',
      '0.001',
      '0.001',
    ]);
    expect(text).toContain('No update was skipped.');
    const kl = tableOf(text, 'KL divergence of each latent dimension (nats)');
    expect(kl).toHaveLength(20);
    expect(new Set(kl.map((row) => row[3])).size).toBe(20);
    const heights = kl.map(([, active, inactive]) => Number(active) + Number(inactive));
    expect(heights).toEqual([...heights].sort((a, b) => b - a));
    const sum = heights.reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(tile(text, 'kl') as number, 2);
    const active = kl.filter(([, , , , variance]) => Number(variance) > 0.01);
    expect(active).toHaveLength(tile(text, 'active-units') as number);
  });

  test('has pictures, the configuration and versions, and is small', async () => {
    const text = await page('model');
    expect(text.length).toBeLessThan(1_000_000);
    expect(notes(text)).toEqual([]);
    expect(headings(text)).toEqual(
      expect.arrayContaining([
        'VAE on digits',
        'Samples',
        'Reconstructions',
        'Codes',
        'Interpolation',
      ]),
    );
    const pictures = matches(text, /<img src="data:image\/png;base64,(.*?)" alt="[^"]{10,}">/g);
    expect(pictures).toHaveLength(4);
    expect(text.match(/<img/g)).toHaveLength(4);
    for (const picture of pictures) {
      const { width, data } = decodePng(Buffer.from(picture, 'base64'));
      expect(width).toBeGreaterThan(200);
      expect(new Set(data).size).toBeGreaterThan(10);
    }
    const { version, adapter, data } = JSON.parse(
      await readFile(here('model/training.json'), 'utf8'),
    );
    for (const said of [`latentgpu ${version}`, adapter.name, data.sha256, process.versions.node]) {
      expect(text).toContain(said);
    }
    expect(text).toMatch(/encoder\.hidden<\/span><\/th><td>\[16\]<\/td>/);
    expect(text).toMatch(/optimizer\.kind<\/span><\/th><td>adam<\/td>/);
  });

  test('needs nothing but itself', async () => {
    const text = await page('model');
    expect(matches(text, /\ssrc="(.{15})/g)).toEqual(Array(4).fill('data:image/png;'));
    const markup = text
      .replace(/<(script|style)>.*?<\/\1>/gs, '')
      .replace(/ src="data:image\/png;base64,[\w+/=]+"/g, '');
    const found = (pattern: RegExp) => pattern.exec(markup)?.[0];
    expect(found(/\b(https?:)?\/\/[a-z]/i)).toBeUndefined();
    expect(found(/<(link|iframe|object|embed|base|form|a)\b/)).toBeUndefined();
    expect(found(/\s(src|href|style|on\w+)=/)).toBeUndefined();
  });
});

describe('in Chrome', () => {
  /** How many pixels of each chart have the colour of one of its series. */
  const pixels = (opened: Page) =>
    opened.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      // Read twice, which Chrome would remark on.
      const options = { willReadFrequently: true };
      const probe = document
        .createElement('canvas')
        .getContext('2d', options) as CanvasRenderingContext2D;
      const colors = [1, 2].map((i) => {
        probe.fillStyle = style.getPropertyValue(`--series-${i}`);
        probe.fillRect(0, 0, 1, 1);
        return probe.getImageData(0, 0, 1, 1).data.join();
      });
      return [...document.querySelectorAll('canvas')].map((canvas) => {
        const context = canvas.getContext('2d') as CanvasRenderingContext2D;
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4) {
          if (colors.includes(data.subarray(i, i + 4).join())) count++;
        }
        return count;
      });
    });

  test.each([
    [1280, 'light'],
    [390, 'dark'],
  ])('%i pixels wide and %s: charts are drawn, and nothing is asked for', async (width, scheme) => {
    const opened = await open('model/report.html', { width, scheme });
    const seen = await opened.page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - innerWidth,
      paper: getComputedStyle(document.body).backgroundColor,
      broken: [...document.images].filter((image) => image.naturalWidth === 0).length,
    }));
    const isDark = scheme === 'dark';
    expect(seen).toEqual({
      overflow: 0,
      paper: isDark ? 'rgb(16, 19, 23)' : 'rgb(245, 246, 248)',
      broken: 0,
    });
    expect(opened.complaints).toEqual([]);
    expect(opened.requests.filter((address) => !/^(file|data):/.test(address))).toEqual([]);
    const drawn = await pixels(opened.page);
    expect(drawn).toHaveLength(6);
    for (const count of drawn) expect(count).toBeGreaterThan(100);
    await opened.page.close();
  });

  test('prints in dark ink, whatever the screen shows', async () => {
    const opened = await open('model/report.html', { scheme: 'dark' });
    await opened.page.evaluate(() => {
      addEventListener('beforeprint', () => {
        const style = getComputedStyle(document.documentElement);
        document.title = `${style.getPropertyValue('--ink')} ${document.querySelectorAll('canvas').length}`;
      });
    });
    const pdf = await opened.page.pdf({ preferCSSPageSize: true });
    expect(Buffer.from(pdf).subarray(0, 5).toString()).toBe('%PDF-');
    expect(await opened.page.title()).toBe('#1b1f24 6');
    expect(await pixels(opened.page)).toHaveLength(6);
    await opened.page.close();
  });

  test('lets nothing in that was not there when it was made', async () => {
    const opened = await open('model/report.html');
    const answer = await opened.page.evaluate(async () => {
      const refused: string[] = [];
      addEventListener('securitypolicyviolation', (event) => {
        refused.push(event.effectiveDirective);
      });
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      const image = new Image();
      image.src = 'https://example.invalid/';
      const style = document.createElement('style');
      document.body.append(script, image, style);
      style.textContent = 'body { color: red }';
      await fetch('https://example.invalid/').catch(() => {});
      await new Promise((soon) => setTimeout(soon, 100));
      return { refused: [...new Set(refused)].sort(), ran: 'ran' in window };
    });
    expect(answer).toEqual({
      refused: ['connect-src', 'img-src', 'script-src-elem', 'style-src-elem'],
      ran: false,
    });
    await opened.page.close();
  });

  test('draws a bound by its samples, with errors that its scale has room for', async () => {
    const none = { history: undefined, likelihood: undefined, dimensions: undefined };
    const content: ReportContent = {
      ...{ title: 'Bound', subtitle: '', facts: [], notes: [], pictures: [], layers: [] },
      ...{ configuration: [], commands: [], versions: [] },
      ...none,
      curve: [1, 5, 50, 500, 5000].map((samples, i) => ({
        samples,
        value: 105 - 3 * i,
        error: i === 4 ? 40 : 0.5,
      })),
    };
    await writeFile(here('bound.html'), await reportPage(content));
    const opened = await open('bound.html');
    expect(opened.complaints).toEqual([]);
    const [drawn] = await pixels(opened.page);
    // The longest stroke alone crosses most of the chart: 1.5 pixels wide, with soft edges.
    expect(drawn).toBeGreaterThan(150);
    const text = await readFile(here('bound.html'), 'utf8');
    expect(tableOf(text, 'Bound of −log p(x) by samples a row (nats)')[4]).toEqual([
      '5000',
      '93',
      '40',
    ]);
    await opened.page.close();
  });

  test('shows what strangers wrote as text', async () => {
    await makeFolder('hostile', { shape: [28, 28], name: HOSTILE });
    const record = JSON.parse(await readFile(here('model/training.json'), 'utf8'));
    Object.assign(record.data, { name: HOSTILE, data: `/nowhere/${HOSTILE}` });
    record.adapter.name = HOSTILE;
    record.config[HOSTILE] = HOSTILE;
    await writeFile(here('hostile/training.json'), JSON.stringify(record));
    await writeFile(here('hostile/metrics.jsonl'), `{"step": 1, "loss": "${'<b>'}"}\n${HOSTILE}\n`);
    const { missing } = await json('report hostile');
    expect(missing.join()).toContain('Lines of metrics.jsonl that could not be read: 1.');
    const opened = await open('hostile/report.html');
    const seen = await opened.page.evaluate(() => ({
      title: document.title,
      heading: document.querySelector('h1')?.textContent,
      text: document.body.textContent,
      scripts: document.scripts.length,
      images: document.images.length,
      ran: 'ran' in window,
    }));
    expect(seen).toMatchObject({
      title: `VAE on ${HOSTILE}`,
      heading: `VAE on ${HOSTILE}`,
      scripts: 1,
      images: 1,
      ran: false,
    });
    // The data's name, where it was read from, the adapter, a key and its value.
    expect((seen.text as string).split(HOSTILE).length - 1).toBeGreaterThanOrEqual(5);
    expect(opened.complaints).toEqual([]);
    await opened.page.close();
  });
});

describe('where something is missing', () => {
  test('a folder from elsewhere has samples, and all else with --data', async () => {
    await makeFolder('foreign', { shape: [28, 28], name: 'their digits' });
    const { evaluation, pictures, missing } = await json('report foreign');
    expect({ evaluation, pictures }).toEqual({ evaluation: null, pictures: ['Samples'] });
    const text = await page('foreign');
    expect(notes(text)).toEqual(expect.arrayContaining(missing));
    const said = notes(text).join(' ');
    expect(said).toContain('no metrics.jsonl');
    expect(said).toContain('no training.json');
    expect(said).toContain('name them with --data');
    expect(headings(text)).not.toContain('Likelihood');
    expect(commands(text)).toEqual(['latentgpu report foreign --samples 500 --seed 0']);
    const more = await json('report foreign --data digits --limit 20 --samples 5 --out with.html');
    expect(more.pictures).toEqual(['Samples', 'Reconstructions', 'Codes', 'Interpolation']);
    const named = await readFile(here('with.html'), 'utf8');
    expect(tile(named, 'nll')).toBe(more.evaluation.nll.value);
    expect(commands(named)[0]).toBe(
      'latentgpu eval foreign --data digits --limit 20 --samples 5 --seed 0',
    );
  });

  test('a table without a test split is shown in the plane, on its own rows', async () => {
    const rows = reals('table', 180, -3, 3);
    const lines = Array.from({ length: 60 }, (_, i) => rows.subarray(3 * i, 3 * i + 3).join(','));
    await writeFile(here('t.csv'), `a,b,c\n${lines.join('\n')}\n`);
    await works(
      'train vae --data t.csv --standardize --batch 20 --epochs 2 --set latent=1 encoder.hidden=8 --out t',
    );
    const { evaluation, missing, split } = await json('report t --samples 10');
    expect(split).toBe('train');
    expect(missing).toHaveLength(1);
    const text = await page('t');
    expect(notes(text)).toEqual([expect.stringContaining('no test split')]);
    expect(text).toContain('Draws from the model among data, in the plane of the first two');
    expect(text).toContain('along the one latent dimension');
    expect(text).toContain('There are no bits per dimension');
    expect(tile(text, 'bits')).toBeUndefined();
    const [trainLine, evalLine] = commands(text);
    expect(trainLine).toContain('t.csv --standardize ');
    const again = await json((evalLine as string).replace('latentgpu ', ''));
    expect(again.nll).toEqual(evaluation.nll);
    // However the data were read, they are read so again.
    const how = '--hide random:0.3 --samples 10 --seed 0 --columns a b c';
    const hidden = await json(`report t ${how}`);
    const line = commands(await page('t'))[1] as string;
    expect(line).toBe(`latentgpu eval t --split train ${how}`);
    expect((await json(line.replace('latentgpu ', ''))).nll).toEqual(hidden.evaluation.nll);
  });

  test('no dimension has a divergence of its own from a learned prior', async () => {
    const small =
      '--set encoder.hidden=8 decoder.hidden=8 latent=2 prior.kind=realnvp prior.depth=2';
    await works(`train vae --data digits --limit 80 --batch 40 --epochs 1 ${small} --out flowing`);
    await json('report flowing --limit 30 --samples 0');
    const text = await page('flowing');
    const title = 'Variance of the posterior mean in each latent dimension';
    expect(headings(text)).toContain(title);
    expect(headings(text)).not.toContain('KL divergence of each latent dimension (nats)');
    expect(text).not.toContain('together they are');
    expect(text).toContain('does not divide into one for each dimension');
    expect(tile(text, 'kl')).toBeDefined();
    const active = tableOf(text, title).filter(([, variance]) => Number(variance) > 0.01);
    expect(active).toHaveLength(tile(text, 'active-units') as number);
  });

  test('an autoencoder has reconstructions and codes, and no likelihood', async () => {
    const small = '--set encoder.hidden=16 decoder.hidden=16 latent=3';
    await works(`train ae --data digits --limit 80 --batch 40 --epochs 1 ${small} --out ae`);
    const { pictures, evaluation } = await json('report ae --limit 30');
    expect(pictures).toEqual(['Reconstructions', 'Codes', 'Interpolation']);
    const text = await page('ae');
    expect(notes(text)).toEqual([expect.stringContaining('An autoencoder has no prior')]);
    expect(headings(text)).toContain('Variance of each dimension of the code');
    expect(headings(text)).not.toContain('Likelihood');
    expect(tile(text, 'negative-elbo')).toBe(evaluation.negativeElbo);
    for (const id of ['nll', 'kl', 'bits', 'active-units']) expect(tile(text, id)).toBeUndefined();
  });
});

describe('the command', () => {
  test('has a help that fits a screen', async () => {
    const { stdout } = await works('report --help');
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(30);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toContain('Example:\n  latentgpu report ');
  });

  test('refuses what cannot be, and writes nothing', async () => {
    expect(await refused('report nowhere')).toContain('no such folder: nowhere');
    expect(await refused('report model --out r.txt')).toContain('ends in .html');
    expect(await refused('report model --out no/r.html')).toContain('there is no folder no');
    // What was asked for is not left out silently.
    expect(await refused('report model --data no.npy --out r.html')).toContain('no.npy');
    expect(await refused('report model --window 8 --out r.html')).toContain('holds no series');
    expect(await refused('report model --hide all --out r.html')).toContain('--hide all');
    expect(await exists('r.html')).toBe(false);
  });

  test('stops at Ctrl-C and leaves what was there', async () => {
    await writeFile(here('old.html'), 'old');
    const line = 'report model --samples 1000000 --out old.html';
    const { child, run } = await startHeard(line.split(' '), folder);
    child.kill('SIGINT');
    const { code, stderr } = await run;
    expect(code).toBe(130);
    expect(stderr).toContain('was stopped');
    expect(await readFile(here('old.html'), 'utf8')).toBe('old');
  });
});
