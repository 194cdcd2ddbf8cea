/** The demo page when things go wrong: GPUs and workers that die, files that are no use, other tabs. */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encode } from 'fast-png';
import type { WebWorker } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeIdx } from '../src/formats/idx.ts';
import { readSafetensors } from '../src/formats/safetensors.ts';
import { digits } from '../src/index.ts';
import { buildCli, start } from './support/cli.ts';
import { type DemoPage, DemoSite } from './support/demo.ts';

let site: DemoSite;
let demo: DemoPage;

/** Whether every canvas of the page shows something. */
const areDrawn = (page: DemoPage) =>
  page.page.waitForFunction(() =>
    [...document.querySelectorAll('canvas')].every((canvas) => {
      if (!canvas.checkVisibility()) return true;
      const blank = Object.assign(document.createElement('canvas'), {
        width: canvas.width,
        height: canvas.height,
      });
      return canvas.toDataURL() !== blank.toDataURL();
    }),
  );

/** Has the worker's device die at the n-th call, counted from now, of what makes or submits work. */
const loseAt = (worker: WebWorker, calls: number) =>
  worker.evaluate((wanted) => {
    const scope = globalThis as { lost?: number; calls?: number; isPatched?: boolean };
    scope.calls = 0;
    scope.lost = wanted;
    if (scope.isPatched) return;
    scope.isPatched = true;
    for (const name of [
      'createBuffer',
      'createComputePipelineAsync',
      'createCommandEncoder',
    ] as const) {
      const original = GPUDevice.prototype[name] as (...args: unknown[]) => unknown;
      Object.assign(GPUDevice.prototype, {
        [name](this: GPUDevice, ...args: unknown[]) {
          scope.calls = (scope.calls ?? 0) + 1;
          const result = original.apply(this, args);
          if (scope.calls === scope.lost) this.destroy();
          return result;
        },
      });
    }
  }, calls);

const isLostYet = (worker: WebWorker) =>
  worker.evaluate(() => {
    const { calls = 0, lost = 0 } = globalThis as { lost?: number; calls?: number };
    return calls >= lost;
  });

describe('demo page in trouble', () => {
  beforeAll(async () => {
    site = await DemoSite.open();
    demo = await site.visit();
    await demo.becomes('ready');
  }, 60_000);

  afterAll(() => site?.close(), 30_000);

  test('the GPU is lost at any moment: while the model is made, trained or looked at', async () => {
    const { page } = demo;
    for (const calls of [1, 40, 80]) {
      await loseAt(demo.worker, calls);
      await page.click('#reset');
      await demo.becomes('ready');
      await expect.poll(() => isLostYet(demo.worker), { timeout: 10_000 }).toBe(true);
      await demo.becomes('ready');
    }
    await demo.train(true);
    for (const calls of [1, 8]) {
      await loseAt(demo.worker, calls);
      await demo.says('The GPU was lost and replaced. Nothing is lost');
      await page.click('#notice button');
    }
    await demo.train(false);
    await areDrawn(demo);
    // Nothing but the map asks for anything now.
    const before = await demo.picture('#decoded');
    await loseAt(demo.worker, 1);
    await page.focus('#map');
    await page.keyboard.press('ArrowRight');
    await demo.says('The GPU was lost and replaced');
    await demo.changes('#decoded', before);
    expect(demo.complaints).toEqual([]);
  });

  test('files that are no use: one line, and the training goes on', async () => {
    const own = digits({ count: 60, seed: 9, size: 16 });
    const images = writeIdx({ shape: [60, 16, 16], data: own.data as Uint8Array });
    const whole = site.file('own-idx3-ubyte', images);
    const gz = gzipSync(images);
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
    const tile = (side: number) =>
      encode({ width: side, height: side, channels: 1, depth: 8, data: new Uint8Array(side ** 2) });
    const clear = encode({ width: 1, height: 1, channels: 2, depth: 8, data: new Uint8Array(2) });
    const json = { format: 1, family: 'vae', data: { shape: [28, 28] }, latent: 8 };
    const net = { hidden: [128], activation: 'relu' };
    const model = { ...json, encoder: net, decoder: net, likelihood: { kind: 'bernoulli' } };
    const weights = site.file('weights.safetensors', '\x02\0\0\0\0\0\0\0{}');
    let models = 0;
    const asJson = (content: unknown) =>
      site.file(`model-${++models}.json`, JSON.stringify(content));
    const huge = { ...model, latent: 65536, encoder: { ...net, hidden: [65536, 65536] } };
    const labels = (count: number) => writeIdx({ shape: [count], data: new Uint8Array(count) });
    const trouble: [files: string[], says: string][] = [
      [[site.file('cut-idx3-ubyte', images.subarray(0, 5000))], 'cut-idx3-ubyte: cut short'],
      [[site.file('cut.gz', gz.subarray(0, gz.length >> 1))], 'cut.gz: damaged or cut short'],
      [[site.file('film.gz', gzipSync(new Uint8Array(1 << 20)))], 'film.gz is neither data nor'],
      [[whole, site.file('odd-idx1-ubyte', labels(7))], 'odd-idx1-ubyte holds 7 labels'],
      [[site.file('only-idx1-ubyte', labels(60))], 'hold labels and no images'],
      [[site.file('cat.png', png)], 'cat.png: cut short'],
      [[site.file('ink.png', clear)], 'ink.png: has transparent pixels'],
      [[site.file('one.png', tile(8)), site.file('two.png', tile(9))], 'must have one size'],
      [[site.file('few.png', tile(8))], 'few.png holds 1 image; 20 are needed'],
      [[site.file('mixed.csv', 'a,b\n1,x\n2,3\n')], 'call a column of classes "class"'],
      [[site.file('holes.csv', `a,b\n${'1,2\n'.repeat(30)}?,NA\n`)], 'all values of row 30'],
      [[site.file('empty.gz', '')], 'empty.gz is empty'],
      [[site.file('large.bin', new Uint8Array(50_000_000))], 'large.bin is neither data nor'],
      [[asJson(model)], 'A saved model is two files'],
      [[asJson({ ...json, family: 'gan' }), weights], '\'family\' is "gan"'],
      [[asJson({ ...model, family: 'ae' }), weights], 'of family ae'],
      [[asJson({ ...model, data: { shape: [9, 9] } }), weights], '[9,9]'],
      [
        [asJson({ ...model, data: { ...model.data, standardized: true } }), weights],
        'trained on standardised data',
      ],
      [[asJson(model), weights], 'is missing; model.json asks for it'],
      [[asJson(huge), weights], 'is missing; model.json asks for it'],
      [[site.file('bad.json', '{"format":'), weights], 'bad.json: not JSON'],
    ];
    await demo.train(true);
    for (const [files, words] of trouble) {
      await demo.chooseFiles(files);
      const line = await demo.says(words);
      expect(line.length, line).toBeLessThan(300);
      expect(line).not.toContain('--');
      expect(await demo.activity).toBe('training');
    }
    await demo.stepBeyond(await demo.value('step'));
    expect(await demo.text('data-name')).toContain('Built-in digits');
    await demo.train(false);
    expect(demo.complaints).toEqual([]);
  });

  test('a model that cannot be made leaves the one in training as it was', async () => {
    await demo.train(true);
    const step = await demo.value('step');
    await demo.worker.evaluate(() => {
      const { requestDevice } = GPUAdapter.prototype;
      GPUAdapter.prototype.requestDevice = () => {
        GPUAdapter.prototype.requestDevice = requestDevice;
        return Promise.reject(new Error('out of memory, say'));
      };
    });
    await demo.page.select('#latent', '32');
    await demo.says('gives no device (out of memory, say)');
    await demo.says('The model stays as it was.');
    await demo.stepBeyond(step);
    const latent = await demo.page.$eval('#latent', (list) => (list as HTMLSelectElement).value);
    expect(latent).toBe('8');
    await demo.train(false);
    expect(demo.complaints).toEqual([]);
  });

  test('two tabs train side by side; one that is lost leaves the other alone', async () => {
    const other = await site.visit({ ownWindow: true });
    await other.becomes('ready');
    await demo.train(true);
    await other.train(true);
    await other.page.click('#lose');
    await other.says('The GPU was lost and replaced');
    for (const each of [demo, other]) await each.stepBeyond(await each.value('step'));
    expect(await demo.page.$eval('#notice', (box) => box.textContent)).not.toContain(
      'GPU was lost',
    );
    expect(other.complaints).toEqual([]);
    await other.page.close();
    await demo.train(false);
  });

  test('a worker that dies is missed, and Reset starts another with the same data', async () => {
    const other = await site.visit({
      ownWindow: true,
      before: () => {
        const slow = globalThis.setInterval;
        const fast = (work: () => void, ms: number) => slow(work, ms / 4);
        Object.assign(globalThis, { setInterval: fast });
      },
    });
    await other.becomes('ready');
    const own = digits({ count: 60, seed: 9, size: 16 });
    const images = writeIdx({ shape: [60, 16, 16], data: own.data as Uint8Array });
    await other.chooseFiles([site.file('own-idx3-ubyte', images)]);
    await other.says('Nothing of it leaves this page');
    const gone = other.worker;
    await gone.evaluate(() => globalThis.close()).catch(() => undefined);
    await other.says('The training stopped');
    await other.becomes('failed');
    await other.page.click('#reset');
    await other.becomes('ready');
    expect(await other.text('data-name')).toBe('own-idx3-ubyte: 50 images of 16 × 16');
    await other.train(true);
    await other.stepBeyond(3);
    // So do other files.
    await other.worker.evaluate(() => globalThis.close()).catch(() => undefined);
    await other.becomes('failed');
    const lines = Array.from({ length: 40 }, (_, i) => `${i % 7}`);
    await other.chooseFiles([site.file('column.csv', `a\n${lines.join('\n')}\n`)]);
    await other.matches('data-name', /^column.csv: 30 rows of 1 number$/);
    await other.becomes('ready');
    expect(other.complaints).toEqual([]);
    await other.page.close();
  });

  test('hundreds of updates leave no GPU buffer and no memory behind', async () => {
    const { page, worker } = demo;
    await worker.evaluate(() => {
      const scope = globalThis as { made?: number };
      scope.made = 0;
      const { createBuffer } = GPUDevice.prototype;
      const { destroy } = GPUBuffer.prototype;
      Object.assign(GPUDevice.prototype, {
        createBuffer(this: GPUDevice, descriptor: GPUBufferDescriptor) {
          scope.made = (scope.made ?? 0) + 1;
          return createBuffer.call(this, descriptor);
        },
      });
      Object.assign(GPUBuffer.prototype, {
        destroy(this: GPUBuffer) {
          scope.made = (scope.made ?? 0) - 1;
          return destroy.call(this);
        },
      });
    });
    const buffers = () =>
      worker.evaluate(() => (globalThis as { made?: number }).made ?? Number.NaN);
    const heap = async () => {
      await worker.client.send('HeapProfiler.collectGarbage');
      return (await worker.client.send('Runtime.getHeapUsage')).usedSize;
    };
    const use = async (times: number) => {
      for (let i = 0; i < times; i++) {
        await page.focus('#map');
        const key = i % 2 ? 'ArrowLeft' : 'ArrowRight';
        const before = await demo.picture('#decoded');
        await page.keyboard.press(key);
        await demo.changes('#decoded', before);
      }
      const before = await demo.picture('#reconstructions');
      await page.click('#shuffle');
      await demo.changes('#reconstructions', before);
    };
    await demo.train(false);
    await use(5);
    const [made, used] = [await buffers(), await heap()];
    await use(60);
    await demo.train(true);
    await demo.stepBeyond((await demo.value('step')) + 100);
    await demo.train(false);
    await use(60);
    expect(await buffers()).toBe(made);
    expect((await heap()) - used).toBeLessThan(4e6);
  });

  test('a folder of the command line opens here, and one saved here opens there', async () => {
    await buildCli();
    const cli = async (args: readonly string[]) => {
      const { code, stdout, stderr } = await start(args, site.folder).run;
      expect(code, stderr).toBe(0);
      return stdout;
    };
    const size = ['--set', 'latent=3', '--set', 'encoder.hidden=64', '--set', 'decoder.hidden=64'];
    const few = ['--epochs', '1', '--limit', '1000', '--quiet'];
    await cli(['train', 'vae', '--data', 'digits', ...few, ...size, '--out', 'trained']);
    const trained = join(site.folder, 'trained');
    await demo.chooseFiles((await readdir(trained)).map((name) => join(trained, name)));
    await demo.says('The saved model is open');
    expect(await demo.page.$eval('#latent', (list) => (list as HTMLSelectElement).value)).toBe('3');
    const client = await demo.devtools();
    const saved = join(site.folder, 'saved');
    await client.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: saved });
    await demo.page.click('#save');
    const names = ['model.json', 'weights.safetensors'];
    await expect
      .poll(
        () =>
          readdir(saved).then(
            (found) => found.sort(),
            () => [],
          ),
        { timeout: 5000 },
      )
      .toEqual(names);
    const tensorsOf = (folder: string) =>
      readSafetensors(readFileSync(join(folder, 'weights.safetensors'))).tensors;
    expect(tensorsOf(saved)).toEqual(tensorsOf(trained));
    const evaluate = ['--data', 'digits', '--limit', '200', '--json', '--samples', '1'];
    const [here, there] = await Promise.all(
      ['saved', 'trained'].map((folder) => cli(['eval', folder, ...evaluate])),
    );
    const bound = (json: string | undefined) => JSON.parse(json ?? '').negativeElbo;
    expect(bound(here)).toBe(bound(there));
  });

  test('the GPU process crashes: on, from where it was; again: the model is kept', async () => {
    await demo.page.reload();
    await demo.becomes('ready');
    await demo.train(true);
    await demo.stepBeyond(10);
    const client = await site.browser.target().createCDPSession();
    await client.send('Browser.crashGpuProcess');
    await demo.becomes('recovering');
    await demo.says('The GPU was lost and replaced. Nothing is lost');
    await areDrawn(demo);
    await demo.stepBeyond(await demo.value('step'));
    // A browser withholds a GPU that crashes again soon, for a while.
    await demo.worker.evaluate(() => {
      const { requestAdapter } = GPU.prototype;
      GPU.prototype.requestAdapter = () => Promise.resolve(null);
      Object.assign(globalThis, {
        giveBack: () => {
          GPU.prototype.requestAdapter = requestAdapter;
        },
      });
    });
    await demo.page.click('#lose');
    await demo.becomes('recovering');
    await demo.becomes('stranded');
    expect(await demo.says('The model is kept as of step')).not.toContain('step 0');
    await areDrawn(demo);
    expect(await demo.text('train')).toBe('Try again');
    const saved = join(site.folder, 'stranded');
    const downloads = await demo.devtools();
    const behavior = { behavior: 'allow', downloadPath: saved } as const;
    await downloads.send('Browser.setDownloadBehavior', behavior);
    await demo.page.click('#save');
    await expect.poll(() => readdir(saved).catch(() => []), { timeout: 5000 }).toHaveLength(2);
    const step = await demo.value('step');
    await demo.worker.evaluate(() => (globalThis as { giveBack?: () => void }).giveBack?.());
    await demo.page.click('#train');
    await demo.stepBeyond(step);
    expect(demo.complaints).toEqual([]);
  });
});
