/** The sampler in headless Chrome: as a file of its own, in a worker, bundled, without WebGPU. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode } from 'fast-png';
import type { Browser, Page } from 'puppeteer';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSafetensors } from '../src/formats/safetensors.ts';
import { page as startPage } from '../src/interchange/web/folder.ts';
import { programOf } from '../src/interchange/web/program.ts';
import { load, type Sampler } from '../src/sampler/index.ts';
import { launchBrowser } from '../src/testing/chrome.ts';
import { ROOT } from './support/cli.ts';
import { sourceOf } from './support/every-family.ts';
import {
  type Body,
  buildSampler,
  DIGITS,
  grids,
  makeModel,
  putModel,
  serveFiles,
  writeModel,
} from './support/sampler.ts';

type SamplerModule = typeof import('../src/sampler/index.ts');

declare global {
  /** What a page of these tests has: the published file, and the devices it has opened. */
  var kit: { sampler: SamplerModule; devices: GPUDevice[] };
}

const WORKER = `
import { load } from './sampler.js';
self.onmessage = async ({ data: backend }) => {
  const model = await load('models/digits/', { backend });
  self.postMessage({ images: await model.sample(20, { seed: 3 }), backend: model.backend });
};
`;
/** Draws from a flow; what is not imported here cannot be later on. */
const SERVICE_WORKER = `
import { load } from './sampler.js';
import * as player from './sampler-program.js';
self.onactivate = () => clients.claim();
self.onmessage = async ({ data: given, source }) => {
  try {
    const options = { backend: 'javascript', ...(given && { player }) };
    const model = await load('models/flow/', options);
    source.postMessage({ rows: [...(await model.sample(20, { seed: 3 }))] });
  } catch (error) {
    source.postMessage({ error: error.message });
  }
};
`;
const BARE = `<!doctype html><script type="module">
const devices = [];
if (navigator.gpu) {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (options) {
    const device = await requestDevice.call(this, options);
    devices.push(device);
    return device;
  };
}
globalThis.kit = { sampler: await import('./sampler.js'), devices };
</script>`;

let folder = '';
let server: Awaited<ReturnType<typeof serveFiles>>;
let browser: Browser;
let reference: Sampler;
const files = new Map<string, Body>();
const complaints: string[] = [];

async function openPage(path: string, prepare?: () => void): Promise<Page> {
  const page = await browser.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) complaints.push(message.text());
  });
  if (prepare) await page.evaluateOnNewDocument(prepare);
  await page.goto(`${server.url}${path}`);
  return page;
}

/** A page with nothing but the sampler in it. */
async function bare(prepare?: () => void): Promise<Page> {
  const page = await openPage('/bare.html', prepare);
  await page.waitForFunction(() => globalThis.kit);
  return page;
}

const withoutWebGpu = () => Reflect.deleteProperty(Navigator.prototype, 'gpu');

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs((actual[i] as number) - (expected[i] as number)) || 0);
    if (Number.isNaN(actual[i])) worst = Number.NaN;
  }
  expect(worst).toBeLessThan(tolerance);
}

/** A flow as a page has it. */
function putFlow(): void {
  const source = sourceOf({ family: 'realnvp', set: ['net.hidden=8', 'depth=2'], shape: [5] });
  const { json, tensors } = programOf(source);
  const about = { format: 2, family: 'realnvp', data: { shape: [5] }, program: 'program.json' };
  files.set('/models/flow/model.json', JSON.stringify(about));
  files.set('/models/flow/program.json', JSON.stringify(json));
  files.set('/models/flow/weights.safetensors', writeSafetensors([...tensors]));
}

const picture = (page: Page) =>
  page.$eval('#grid', (canvas) => (canvas as HTMLCanvasElement).toDataURL());

describe('sampler in Chrome', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latentgpu-sampler-page-'));
    files.set('/sampler.js', await buildSampler(join(folder, 'dist')));
    files.set('/sampler-program.js', readFileSync(join(folder, 'dist/sampler-program.js')));
    files.set('/sampler.html', readFileSync(join(ROOT, 'tests/pages/sampler.html')));
    files.set('/bare.html', BARE);
    files.set('/worker.js', WORKER);
    files.set('/service-worker.js', SERVICE_WORKER);
    putFlow();
    const mnist = makeModel({
      shape: [28, 28],
      latent: 20,
      hidden: [300],
      activation: 'relu',
      likelihood: { kind: 'bernoulli' },
    });
    for (const [name, at] of [
      ['digits', DIGITS],
      ['large', writeModel(join(folder, 'large'), mnist)],
    ] as const) {
      putModel(files, name, at);
    }
    server = await serveFiles(files);
    browser = await launchBrowser();
    reference = await load(DIGITS, { backend: 'javascript' });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  test('the page of the README draws digits', async () => {
    const page = await openPage('/sampler.html');
    const [shown, expected] = await grids(page, reference);
    close(shown, expected, 1.5);
    const status = await page.$eval('#status', (element) => element.textContent);
    console.log(`page of the sampler: ${status}`);
    expect(status).toMatch(/^Drawn by (?!JavaScript)./);
    expect(await page.$eval('#bar', (bar) => (bar as HTMLProgressElement).value)).toBe(1);
    const before = await picture(page);
    await page.click('#again');
    await page.waitForFunction(
      (old) => (document.getElementById('grid') as HTMLCanvasElement).toDataURL() !== old,
      {},
      before,
    );
    expect(complaints.splice(0)).toEqual([]);
    await page.close();
  });

  test('the page draws the same digits without WebGPU', async () => {
    const page = await openPage('/sampler.html', withoutWebGpu);
    const [shown, expected] = await grids(page, reference);
    close(shown, expected, 1.5);
    expect(await page.$eval('#status', (element) => element.textContent)).toBe(
      'Drawn by JavaScript',
    );
    expect(complaints.splice(0)).toEqual([]);
    await page.close();
  });

  test('the page says what is missing', async () => {
    const model = files.get('/models/digits/model.json') as Body;
    files.delete('/models/digits/model.json');
    const page = await openPage('/sampler.html');
    await page.waitForFunction(() => document.getElementById('status')?.textContent);
    files.set('/models/digits/model.json', model);
    expect(await page.$eval('#status', (element) => element.textContent)).toMatch(
      /model\.json: the server answers 404; load a folder with model\.json and weights\.safetensors$/,
    );
    // The browser itself notes the 404.
    expect(complaints.splice(0)).toHaveLength(1);
    await page.close();
  });

  test('the page of an export draws in light and dark, and from a file says what it wants', async () => {
    for (const name of ['model.json', 'weights.safetensors']) {
      files.set(`/start/${name}`, files.get(`/models/digits/${name}`) as Body);
    }
    files.set('/start/sampler.js', files.get('/sampler.js') as Body);
    files.set('/start/index.html', startPage);
    const page = await openPage('/start/index.html');
    const status = () =>
      page.$eval('#status', (element) => element.textContent as string).catch(() => '');
    await expect.poll(status, { timeout: 20_000 }).toMatch(/^Drawn by (?!JavaScript)./);
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    const corner = decode(await page.screenshot({ clip: { x: 0, y: 0, width: 4, height: 4 } }));
    expect(Math.max(...corner.data.slice(0, 3))).toBeLessThan(40);
    expect(complaints.splice(0)).toEqual([]);
    const path = join(folder, 'start.html');
    writeFileSync(path, startPage);
    await page.goto(pathToFileURL(path).href);
    await expect.poll(status).toMatch(/^A browser loads no model from a file\. Serve this folder/);
    expect(complaints.splice(0)).toEqual([]);
    await page.close();
  });

  test('the page of an export of a table has its headings, and fits a phone', async () => {
    putFlow();
    const columns = ['age', 'income', 'height', 'a very long name of a column', 'weight'];
    const about = JSON.parse(String(files.get('/models/flow/model.json')));
    files.set('/table/model.json', JSON.stringify({ ...about, data: { shape: [5], columns } }));
    for (const name of ['program.json', 'weights.safetensors']) {
      files.set(`/table/${name}`, files.get(`/models/flow/${name}`) as Body);
    }
    for (const name of ['sampler.js', 'sampler-program.js']) {
      files.set(`/table/${name}`, files.get(`/${name}`) as Body);
    }
    files.set('/table/index.html', startPage);
    const page = await openPage('/table/index.html');
    await page.waitForSelector('#again:not(:disabled)');
    const texts = (cells: string) =>
      page.$$eval(cells, (found) => found.map((cell) => cell.textContent as string));
    expect(await texts('#rows th')).toEqual(columns);
    const numbers = await texts('#rows td');
    expect(numbers).toHaveLength(50);
    for (const each of numbers) expect(each.replace(/^−?[0.]*|[.,]/g, '').length).toBeLessThan(6);
    await page.setViewport({ width: 320, height: 600 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    // A column of words is two features, and one of the table's columns.
    const categories = [{ column: 'job', at: 3, levels: ['cook', 'nurse'] }];
    const data = { shape: [5], columns, categories };
    files.set('/table/model.json', JSON.stringify({ ...about, data }));
    await page.reload();
    await page.waitForSelector('#again:not(:disabled)');
    expect(await texts('#rows th')).toEqual(['age', 'income', 'height', 'job']);
    for (const word of await texts('#rows td:last-child')) expect(word).toMatch(/^(cook|nurse)$/);
    expect(complaints.splice(0)).toEqual([]);
    await page.close();
  });

  test('both ways give the same numbers, in a page and in a worker', async () => {
    const page = await bare();
    const expected = await reference.sample(20, { seed: 3 });
    const drawn = await reference.sample(20, { seed: 3, draw: true });
    for (const backend of ['webgpu', 'javascript'] as const) {
      const got = await page.evaluate(async (wanted) => {
        const seen: { loaded: number; total: number }[] = [];
        const onProgress = (progress: { loaded: number; total: number }) => seen.push(progress);
        const model = await kit.sampler.load('models/digits/', { backend: wanted, onProgress });
        const images = [...(await model.sample(20, { seed: 3 }))];
        const draws = [...(await model.sample(20, { seed: 3, draw: true }))];
        const { adapter, backend: used } = model;
        model.destroy();
        return { images, draws, adapter, used, seen };
      }, backend);
      expect(got.used).toBe(backend);
      close(got.images, expected);
      expect(got.draws).toEqual([...drawn]);
      const { length } = files.get('/models/digits/weights.safetensors') as Uint8Array;
      expect(got.seen.at(-1)).toEqual({ loaded: length, total: length });
      expect(got.seen.every(({ loaded }, i) => loaded > (got.seen[i - 1]?.loaded ?? 0))).toBe(true);

      const reply = await page.evaluate(async (wanted) => {
        const worker = new Worker('worker.js', { type: 'module' });
        const answer = await new Promise<{ images: Float32Array; backend: string }>(
          (resolve, reject) => {
            worker.onmessage = ({ data }) => resolve(data);
            worker.onerror = ({ message }) => reject(new Error(message));
            worker.postMessage(wanted);
          },
        );
        worker.terminate();
        return { ...answer, images: [...answer.images] };
      }, backend);
      expect(reply.backend).toBe(backend);
      close(reply.images, expected);
    }
    expect(complaints.splice(0)).toEqual([]);
    await page.close();
  });

  test('a flow is played by the file that comes when there is one, either way', async () => {
    const page = await bare();
    const [gpu, here] = await page.evaluate(async () => {
      const found: number[][] = [];
      for (const backend of ['webgpu', 'javascript'] as const) {
        const model = await kit.sampler.load('models/flow/', { backend });
        found.push([...(await model.sample(20, { seed: 3, temperature: 0.7 }))]);
      }
      return found as [number[], number[]];
    });
    close(gpu, here, 1e-4);
    expect(new Set(here).size).toBe(100);
    expect(complaints.splice(0)).toEqual([]);
    await page.close();
  });

  test('a service worker plays a flow, once it is given what plays it', async () => {
    const page = await bare();
    const [told, untold, here] = await page.evaluate(async () => {
      const { serviceWorker } = navigator;
      await serviceWorker.register('service-worker.js', { type: 'module' });
      const { active } = await serviceWorker.ready;
      const ask = (isGiven: boolean) =>
        new Promise<{ rows?: number[]; error?: string }>((resolve) => {
          serviceWorker.onmessage = ({ data }) => resolve(data);
          active?.postMessage(isGiven);
        });
      serviceWorker.startMessages();
      const model = await kit.sampler.load('models/flow/', { backend: 'javascript' });
      const own = [...(await model.sample(20, { seed: 3 }))];
      return [await ask(true), await ask(false), own] as const;
    });
    expect(told).toEqual({ rows: here });
    expect(untold.error).toContain('in a service worker give load(…, { player })');
    expect(complaints.splice(0)).toEqual([]);
    await page.close();
  });

  test('a lost device is replaced, whenever it is lost', async () => {
    const page = await bare();
    const got = await page.evaluate(async () => {
      const model = await kit.sampler.load('models/large/');
      const js = await kit.sampler.load('models/large/', { backend: 'javascript' });
      const count = 1500;
      const expected = await js.sample(count, { seed: 5 });
      const worst = (images: Float32Array) =>
        images.reduce((most, x, i) => Math.max(most, Math.abs(x - (expected[i] as number))), 0);
      const results: { worst: number; backend: string; devices: number }[] = [];
      const note = (images: Float32Array) =>
        results.push({
          worst: worst(images),
          backend: model.backend,
          devices: kit.devices.length,
        });
      kit.devices.at(-1)?.destroy();
      note(await model.sample(count, { seed: 5 }));
      for (const delay of [0, 3, 15]) {
        const both = [model.sample(count, { seed: 5 }), model.sample(count, { seed: 5 })];
        await new Promise((resolve) => setTimeout(resolve, delay));
        kit.devices.at(-1)?.destroy();
        for (const images of await Promise.all(both)) note(images);
      }
      return results;
    });
    for (const { worst, backend } of got) {
      expect(worst).toBeLessThan(1e-5);
      expect(backend).toBe('webgpu');
    }
    expect(got[0]?.devices).toBe(2);
    expect(complaints.splice(0)).toEqual([]);
    await page.close();
  });

  test('where no device lives, JavaScript goes on, or an error says so', async () => {
    const page = await bare();
    const got = await page.evaluate(async () => {
      const js = await kit.sampler.load('models/digits/', { backend: 'javascript' });
      const expected = await js.sample(9);
      const model = await kit.sampler.load('models/digits/');
      const strict = await kit.sampler.load('models/digits/', { backend: 'webgpu' });
      const { requestDevice } = GPUAdapter.prototype;
      GPUAdapter.prototype.requestDevice = async function (options) {
        const device = await requestDevice.call(this, options);
        // It dies of its first submission.
        device.queue.submit = () => device.destroy();
        return device;
      };
      for (const device of kit.devices) device.destroy();
      const images = await model.sample(9);
      const error = await strict.sample(9).catch((cause) => cause);
      return {
        images: [...images],
        expected: [...expected],
        backend: model.backend,
        code: error.code,
        message: error.message,
      };
    });
    close(got.images, got.expected);
    expect(got.backend).toBe('javascript');
    expect(got.code).toBe('device-lost');
    expect(got.message).toMatch(/^the GPU failed twice: /);
    expect(complaints.splice(0)).toEqual([
      expect.stringMatching(/^latentgpu: going on in JavaScript, because WebGPU failed: /),
    ]);
    await page.close();
  });

  test("the GPU's own complaints are never lost", async () => {
    const page = await bare();
    const got = await page.evaluate(async () => {
      const js = await kit.sampler.load('models/digits/', { backend: 'javascript' });
      const expected = await js.sample(9);
      const model = await kit.sampler.load('models/digits/');
      const strict = await kit.sampler.load('models/digits/', { backend: 'webgpu' });
      const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
      GPUComputePassEncoder.prototype.dispatchWorkgroups = function (_x, y) {
        dispatchWorkgroups.call(this, 1e9, y);
      };
      const images = await model.sample(9);
      const error = await strict.sample(9).catch((cause) => cause);
      return { images: [...images], expected: [...expected], message: error.message };
    });
    close(got.images, got.expected);
    expect(got.message).toMatch(/^the GPU failed twice: the GPU reports: .*1000000000/);
    expect(complaints.splice(0).join('\n')).toContain('going on in JavaScript');
    await page.close();
  });

  test('a page goes on while JavaScript computes, and can stop it', async () => {
    const page = await bare();
    const got = await page.evaluate(async () => {
      const model = await kit.sampler.load('models/large/', { backend: 'javascript' });
      const stop = new AbortController();
      let turns = 0;
      const timer = setInterval(() => {
        if (++turns === 3) stop.abort();
      }, 1);
      const error = await model.sample(1e5, { signal: stop.signal }).catch((cause) => cause);
      clearInterval(timer);
      return { turns, name: error.name };
    });
    expect(got.turns).toBeGreaterThanOrEqual(3);
    expect(got.name).toBe('AbortError');
    await page.close();
  });

  test('a bundler finds it by its name', async () => {
    const app = join(folder, 'app');
    const installed = join(app, 'node_modules/latentgpu');
    mkdirSync(join(installed, 'dist'), { recursive: true });
    writeFileSync(join(installed, 'package.json'), readFileSync(join(ROOT, 'package.json')));
    for (const name of ['sampler.js', 'sampler-program.js']) {
      writeFileSync(join(installed, 'dist', name), files.get(`/${name}`) as Body);
    }
    writeFileSync(join(app, 'index.html'), '<script type="module" src="main.js"></script>');
    writeFileSync(
      join(app, 'main.js'),
      `import { load } from 'latentgpu/sampler';
       const model = await load('/models/digits/');
       document.title = model.backend + ' ' + (await model.sample(2)).length;`,
    );
    await build({ root: app, configFile: false, logLevel: 'warn', build: { target: 'esnext' } });
    files.set('/app.html', readFileSync(join(app, 'dist/index.html')));
    for (const name of readdirSync(join(app, 'dist/assets'))) {
      files.set(`/assets/${name}`, readFileSync(join(app, 'dist/assets', name)));
    }
    const page = await openPage('/app.html');
    await page.waitForFunction(() => document.title.endsWith('512'));
    expect(await page.title()).toBe('webgpu 512');
    expect(complaints.splice(0)).toEqual([]);
    await page.close();
  });
});
