import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readNpy, writeNpy } from '../src/formats/npy.ts';
import { readSafetensors } from '../src/formats/safetensors.ts';
import { buildCli, ROOT, type Run, start } from './support/cli.ts';
import { perform } from './support/perform.ts';

// A test may start half a dozen processes, each with an adapter of its own.
vi.setConfig({ testTimeout: 180_000 });

/** A network that trains in a moment. */
const SMALL = '--set encoder.hidden=16 decoder.hidden=16 latent=3';
const QUICK = `--data digits --limit 120 --batch 40 ${SMALL}`;
const FILES = [
  'checkpoint.safetensors',
  'latent.png',
  'metrics.jsonl',
  'model.json',
  'reconstructions.png',
  'samples.png',
  'training.json',
  'weights.safetensors',
];

let folder = '';
const here = (path: string) => join(folder, path);

/** Runs a command given as one line. */
function cli(line: string): Promise<Run> {
  return perform(line.split(' ').filter(Boolean), folder);
}

/** Runs a command that must succeed. */
async function works(line: string): Promise<Run> {
  const run = await cli(line);
  expect(run.code, `${line}\n${run.stderr}`).toBe(0);
  return run;
}

/** The one JSON object that a command prints. */
async function json<T = Record<string, unknown>>(line: string): Promise<T> {
  const { stdout } = await works(`${line} --json`);
  expect(stdout.endsWith('\n')).toBe(true);
  return JSON.parse(stdout) as T;
}

const png = async (path: string) => decode(await readFile(here(path)));
const bytes = async (path: string) => new Uint8Array(await readFile(here(path)));
const lines = async (path: string) =>
  (await readFile(here(path), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  await buildCli();
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-cli-'));
  await works(`train vae ${QUICK} --epochs 2 --out model`);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

describe('help', () => {
  test.each(['', 'start', 'doctor', 'train', 'eval', 'sample', 'inspect', 'bench'])(
    'of "%s" fits a screen and shows an example',
    async (command) => {
      const { stdout, stderr } = await works(`${command} --help`);
      expect(stderr).toBe('');
      const text = stdout.trimEnd().split('\n');
      expect(text.length).toBeLessThanOrEqual(40);
      expect(Math.max(...text.map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(stdout).toContain(`Example:\n  latentgpu ${command}`);
      if (command)
        for (const flag of ['--json', '--quiet', '--seed']) expect(stdout).toContain(flag);
    },
  );

  test('without a command, the version, and every key', async () => {
    expect((await works('')).stdout).toContain('Usage: latentgpu');
    expect((await works('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const { stdout } = await works('train --keys');
    expect(stdout).toMatch(/^ {2}optimizer\.betas +\[0\.9,0\.999\] +decays/m);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  });
});

test('doctor names the adapter', async () => {
  const report = await json<{ ok: boolean; adapters: { name: string }[] }>('doctor');
  expect(report.ok).toBe(true);
  const name = report.adapters[0]?.name as string;
  console.log(`adapter of the command line: ${name}`);
  expect((await works('doctor')).stdout).toContain(name);
});

describe('train', () => {
  test('leaves a folder of files that can be read', async () => {
    expect((await readdir(here('model'))).sort()).toEqual(FILES);
    const samples = await png('model/samples.png');
    expect([samples.width, samples.height]).toEqual([2 + 10 * 58, 2 + 10 * 58]);
    expect((await png('model/reconstructions.png')).width).toBe(2 + 10 * 58);
    expect((await png('model/latent.png')).channels).toBe(3);
    const metrics = await lines('model/metrics.jsonl');
    expect(metrics.map(({ step, epoch, steps }) => [step, epoch, steps])).toEqual([
      [3, 1, 3],
      [6, 2, 3],
    ]);
    for (const line of metrics) {
      for (const name of ['loss', 'kl', 'gradientNorm', 'learningRate', 'seconds']) {
        expect(line[name], name).toBeTypeOf('number');
      }
      expect(line.evaluation.count).toBe(1000);
    }
    const { tensors } = readSafetensors(await bytes('model/weights.safetensors'));
    expect([...tensors].map(([name, { shape }]) => `${name} ${shape}`)).toContain(
      'encoder.1.weight 6,16',
    );
    expect(await lines('model/model.json').catch(() => undefined)).toBeUndefined();
    const model = JSON.parse(await readFile(here('model/model.json'), 'utf8'));
    expect(model).toMatchObject({
      format: 2,
      family: 'vae',
      data: { shape: [28, 28], name: 'digits' },
      encoder: { hidden: [16], activation: 'relu' },
      latent: 3,
      likelihood: { kind: 'bernoulli' },
    });
    const record = JSON.parse(await readFile(here('model/training.json'), 'utf8'));
    expect(record).toMatchObject({
      config: { batch: 40, binarize: 'resampled', optimizer: { kind: 'adam', lr: 1e-3 } },
      data: { data: 'digits', limit: 120, count: 120 },
    });
  });

  test('tells an epoch a line in a log, and one object with --json', async () => {
    const log = await works(`train vae ${QUICK} --epochs 2 --out log`);
    expect(log.stdout.split('\n').filter((line) => line.startsWith('epoch '))).toHaveLength(2);
    expect(log.stdout).toMatch(/^epoch 2\/2 {2}step 6 {2}loss \d+\.\d+ {2}kl /m);
    expect(log.stderr).toBe('');
    const run = await works(`train vae ${QUICK} --steps 2 --out json --json`);
    expect(JSON.parse(run.stdout)).toMatchObject({ folder: 'json', step: 2, reason: 'finished' });
    expect(run.stderr).toMatch(/^epoch /m);
    const quiet = await works(`train vae ${QUICK} --steps 2 --out quiet --quiet`);
    expect([quiet.stdout, quiet.stderr]).toEqual(['', '']);
  });

  test('the same seed gives the same bytes, another one others', async () => {
    await works(`train vae ${QUICK} --epochs 2 --out same --seed 0`);
    for (const file of FILES.filter((name) => name !== 'metrics.jsonl')) {
      expect(await bytes(`same/${file}`), file).toEqual(await bytes(`model/${file}`));
    }
    await works(`train vae ${QUICK} --epochs 2 --out other --seed 1`);
    const weights = await bytes('other/weights.safetensors');
    expect(weights).not.toEqual(await bytes('model/weights.safetensors'));
  });

  test('a run that is stopped and resumed equals one that is not, bit for bit', async () => {
    await works(`train vae ${QUICK} --epochs 1 --out parts`);
    const { stdout } = await works('train vae --resume --epochs 2 --out parts');
    expect(stdout).toContain('continuing at step 3 of 6');
    for (const file of ['weights.safetensors', 'checkpoint.safetensors', ...FILES.slice(1, 2)]) {
      expect(await bytes(`parts/${file}`), file).toEqual(await bytes(`model/${file}`));
    }
    const stripped = async (path: string) =>
      (await lines(path)).map(({ seconds: _, ...rest }) => rest);
    expect(await stripped('parts/metrics.jsonl')).toEqual(await stripped('model/metrics.jsonl'));
    // Once more: nothing is left to do, and nothing changes.
    await works('train vae --resume --epochs 2 --out parts');
    const weights = await bytes('parts/weights.safetensors');
    expect(weights).toEqual(await bytes('model/weights.safetensors'));
  });

  test('so does one with everything switched on, in steps', async () => {
    const rich = [
      'optimizer.kind=adamW ema=0.9 clipNorm=5 checkpointEvery=2 init=glorot outputBias=data',
      'schedule.kind=cosine schedule.warmup=3 schedule.steps=9 objective.samples=4',
    ].join(' ');
    const run = `train iwae ${QUICK} ${rich} --binarize once --seed 3`;
    await works(`${run} --steps 9 --out whole`);
    await works(`${run} --steps 4 --out half`);
    await works('train iwae --resume --steps 9 --out half');
    for (const file of ['weights.safetensors', 'checkpoint.safetensors', 'samples.png']) {
      expect(await bytes(`half/${file}`), file).toEqual(await bytes(`whole/${file}`));
    }
  });

  test('Ctrl-C saves, exits 130 and says how to continue', async () => {
    const { child, run } = start(
      `train vae ${QUICK} --epochs 90000 --out stopped`.split(' '),
      folder,
    );
    await new Promise<void>((seen) => {
      child.stdout?.on('data', (text) => String(text).includes('epoch 2/') && seen());
    });
    child.kill('SIGINT');
    const { code, stderr } = await run;
    expect(code).toBe(130);
    expect(stderr).toMatch(/continue with: npx latentgpu train vae --resume --out stopped\n$/);
    const step = Number(/stopped at step (\d+)/.exec(stderr)?.[1]);
    expect(step).toBeGreaterThanOrEqual(6);
    const resumed = await json(`train vae --resume --steps ${step + 4} --out stopped`);
    expect(resumed).toMatchObject({ reason: 'finished', step: step + 4 });
    await works(`train vae ${QUICK} --steps ${step + 4} --out through`);
    const weights = await bytes('stopped/weights.safetensors');
    expect(weights).toEqual(await bytes('through/weights.safetensors'));
  });

  test('stops early, and keeps the best weights', async () => {
    const options = 'optimizer.lr=0.5 patience=1 holdOut=20';
    const summary = await json(`train vae ${QUICK} ${options} --epochs 500 --out early`);
    const metrics = await lines('early/metrics.jsonl');
    const scores = metrics.map(({ evaluation }) => evaluation.negativeElbo);
    expect(summary).toMatchObject({ reason: 'stale', negativeElbo: Math.min(...scores) });
    expect(metrics.at(-1).best).toBe(false);
    expect(metrics.at(-1).evaluation.count).toBe(20);
  });

  test('a loss that is not finite ends the run with 1 and keeps what was good', async () => {
    const run = await cli(
      `train vae ${QUICK} --steps 60 --out wild --set optimizer.kind=sgd optimizer.lr=1e30`,
    );
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^latentgpu: the loss is not finite at step \d+; .*\n$/);
    expect(await readdir(here('wild'))).toContain('checkpoint.safetensors');
  });

  test('takes files of any shape, and configuration from a file', async () => {
    const noise = (n: number) =>
      Float32Array.from({ length: n }, (_, i) => ((i * 7919) % 101) / 101);
    await writeFile(here('table.npy'), writeNpy(noise(60 * 5), [60, 5]));
    await writeFile(here('rect.npy'), writeNpy(noise(50 * 6 * 4), [50, 6, 4]));
    await writeFile(here('rgb.npy'), writeNpy(noise(50 * 6 * 4 * 3), [50, 6, 4, 3]));
    await writeFile(
      here('run.json'),
      JSON.stringify({
        batch: 20,
        epochs: 1,
        latent: 1,
        'encoder.hidden': [8],
        decoder: { hidden: [8] },
      }),
    );
    await works(
      'train ae --data table.npy --config run.json --set likelihood.kind=normal --out table',
    );
    expect(await readdir(here('table'))).not.toContain('samples.png');
    await works('train vae --data rect.npy --test rect.npy --config run.json --out rect');
    await works('train vae --data rgb.npy --config run.json --set holdOut=0.2 latent=2 --out rgb');
    expect((await png('rgb/samples.png')).channels).toBe(3);
    expect(await json('eval rect --samples 4')).toMatchObject({ count: 50, data: 'rect.npy' });
    expect(await json('eval rgb --samples 4')).toMatchObject({ count: 10, kl: expect.any(Number) });
    expect(await json('eval table --split train')).toMatchObject({
      count: 60,
      kl: null,
      nll: null,
    });
  });
});

describe('eval', () => {
  test('says how good a model is, on the data it remembers', async () => {
    const result = await json<Record<string, number> & { nll: Record<string, number> }>(
      'eval model --samples 30 --limit 50',
    );
    expect(result).toMatchObject({
      count: 50,
      binarization: 'resampled',
      data: 'digits',
      split: 'test',
      nll: { samples: 30, count: 50 },
    });
    expect(result.adapter).toBeTypeOf('string');
    expect(result.activeUnits).toBeLessThanOrEqual(3);
    for (const name of ['negativeElbo', 'kl', 'seconds']) expect(result[name]).toBeGreaterThan(0);
    expect(result.nll.value).toBeLessThan(result.negativeElbo as number);
    expect(result.nll.standardError).toBeGreaterThan(0);
    expect(result.nll.effectiveSampleSize).toBeGreaterThanOrEqual(1);
    const again = await json<{ nll: unknown }>('eval model --samples 30 --limit 50');
    expect(again.nll).toEqual(result.nll);
    const { stdout } = await works('eval model --samples 30 --limit 50');
    const [, told] = /^-log p\(x\) {2,}(\S+) ± \S+ nats \(30 samples, 50 rows/m.exec(stdout) ?? [];
    expect(told).toBe(result.nll.value?.toFixed(3));
  });

  test('limits the likelihood apart, and takes other data', async () => {
    const other = await json(
      'eval model --samples 4 --limit 30 --likelihood-limit 7 --split train',
    );
    expect(other).toMatchObject({ count: 30, split: 'train', nll: { count: 7 } });
    const none = await json('eval model --data digits --samples 0 --limit 9 --binarize static');
    expect(none).toMatchObject({ count: 9, binarization: 'static', nll: null });
  });

  test('evaluates a folder that was written elsewhere, once it knows the data', async () => {
    await mkdir(here('torch'), { recursive: true });
    for (const file of ['model.json', 'weights.safetensors']) {
      await copyFile(join(ROOT, 'tests/fixtures/torch-vae', file), here(`torch/${file}`));
    }
    const unknown = await cli('eval torch');
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      'latentgpu: torch does not say what data it was trained on; name them with --data\n',
    ]);
    const result = await json('eval torch --data digits --samples 0 --limit 10');
    expect(result).toMatchObject({ count: 10, binarization: 'resampled' });
  });
});

describe('sample', () => {
  test('an array of means, or of draws, the same for the same seed', async () => {
    await works('sample model --count 5 --out means.npy --seed 4');
    const means = readNpy(await bytes('means.npy'));
    expect([means.dtype, means.shape]).toEqual(['<f4', [5, 28, 28]]);
    expect([...(means.data as Float32Array)].every((x) => x > 0 && x < 1)).toBe(true);
    await works('sample model --count 5 --out again.npy --seed 4');
    expect(await bytes('again.npy')).toEqual(await bytes('means.npy'));
    await works('sample model --count 5 --out others.npy --seed 5');
    expect(await bytes('others.npy')).not.toEqual(await bytes('means.npy'));
    await works('sample model --count 70 --out draws.npy --draw');
    const draws = readNpy(await bytes('draws.npy'));
    expect(draws.shape).toEqual([70, 28, 28]);
    expect(new Set(draws.data as Float32Array)).toEqual(new Set([0, 1]));
  });

  test('a grid', async () => {
    const result = await json('sample model --count 6 --out grid.png');
    expect(result).toMatchObject({ file: 'grid.png', count: 6, shape: [28, 28], shown: 'mean' });
    const { width, height } = await png('grid.png');
    expect([width, height]).toEqual([2 + 3 * 58, 2 + 2 * 58]);
  });
});

describe('inspect', () => {
  test('a folder: tensors, size, plan', async () => {
    const result = await json<{
      parameters: number;
      tensors: { name: string; shape: number[] }[];
      plan: { dispatches: number; explanation: string };
    }>('inspect model');
    const expected = 784 * 16 + 16 + 16 * 6 + 6 + 3 * 16 + 16 + 16 * 784 + 784;
    expect(result.parameters).toBe(expected);
    expect(result.tensors[0]).toMatchObject({ name: 'encoder.0.weight', shape: [16, 784] });
    expect(result.plan.dispatches).toBeGreaterThan(5);
    const { stdout } = await works('inspect model');
    expect(stdout).toContain(`${expected.toLocaleString('en-US')} in all`);
    // Tensors are numbered as they are made.
    const plain = (text: string) => text.replace(/#\d+/g, '');
    expect(plain(stdout)).toContain(plain(result.plan.explanation));
  });

  test('a file', async () => {
    const result = await json('inspect model/checkpoint.safetensors');
    expect(result).toMatchObject({ metadata: { step: '6' } });
    expect((await works('inspect model/weights.safetensors')).stdout).toContain('decoder.1.bias');
  });
});

describe('mistakes', () => {
  test.each([
    ['trian', "unknown command 'trian'; did you mean train?"],
    ['train', 'say what to train: vae, iwae, ae, cvae'],
    ['train gan --data digits', "cannot train 'gan'"],
    ['train vae', 'name the data: --data digits'],
    ['train vae --data digts', "did you mean 'digits'?"],
    ['train vae --data nowhere/x.npy', 'no such file'],
    ['train vae --data mnist --data-dir .', 'holds no train-images-idx3-ubyte'],
    ['train vae --data digits --epoch 3', "unknown option '--epoch'; did you mean --epochs?"],
    ['train vae --data digits --epochs none', 'must be a whole number of at least 1'],
    ['train vae --data digits --epochs 1 --steps 3', 'epochs and steps are both given'],
    ['train vae --data digits --set lr=3', "unknown key 'lr'; did you mean 'optimizer.lr'?"],
    ['train vae --data digits --set latent=0', 'it must be a whole number from 1 to 65536'],
    ['train vae --data digits --config none.json', 'no such file: none.json'],
    ['train vae --data digits --limit 50', 'batch is 100 and digits has 50 rows'],
    ['train vae --data digits --set patience=2 evaluate.every=0', 'patience needs data'],
    [`train vae ${QUICK} --out model`, 'model already holds a model; choose another folder'],
    ['train vae --resume', 'name the folder of the run to continue with --out'],
    ['train vae --resume --out nowhere', 'there is no run to continue in nowhere'],
    ['train ae --resume --out model', 'model holds a model of family vae, not ae'],
    ['train vae --resume --out model --batch 60', 'batch is 40 in model and cannot become 60'],
    ['train vae --resume --out model --epochs 1', 'model has done 6 steps (2.0 epochs), more than'],
    ['train vae --resume --out model --limit 100 --epochs 4', 'is not what model was trained on'],
    ['train vae --data digits --set likelihood.kind=categorical', 'use a smaller batch'],
    ['eval', "missing required argument 'dir'"],
    ['eval nowhere', 'no such folder: nowhere'],
    ['eval . --data digits', '. holds no model.json'],
    ['eval model --split all', 'Allowed choices are train, test'],
    ['eval model --samples -1', 'must be a whole number of at least 0'],
    ['sample model', "required option '--out <file>' not specified"],
    ['sample model --out x.gif', 'name a file that ends in .png or .npy or .csv'],
    ['sample model --out x.png --count 20000', 'at most 10000 fit a .png file'],
    ['sample model --out nowhere/x.png', 'there is no folder nowhere'],
    ['inspect nowhere', 'no such file or folder: nowhere'],
    ['inspect model/model.json', 'not a safetensors file'],
    ['doctor --seed x', 'must be a whole number of at least 0'],
  ])('%s', async (line, why) => {
    const before = await readdir(folder);
    const { code, stdout, stderr } = await cli(line);
    expect(stderr).toMatch(/^latentgpu: [^\n]+\n$/);
    expect(stderr).toContain(why);
    expect([code, stdout]).toEqual([2, '']);
    expect(await readdir(folder)).toEqual(before);
    expect(await readdir(here('model'))).toEqual(FILES);
  });

  test('data of another shape', async () => {
    await writeFile(here('wide.npy'), writeNpy(new Float32Array(2 * 3 * 5), [2, 3, 5]));
    const { code, stderr } = await cli('eval model --data wide.npy');
    expect([code, stderr]).toEqual([
      2,
      'latentgpu: wide.npy has data points of [3, 5] and the model takes [28, 28]; name data of that shape with --data\n',
    ]);
  });

  test('are an object, too, with --json', async () => {
    const { code, stdout, stderr } = await cli('eval nowhere --json');
    expect(code).toBe(2);
    const { error } = JSON.parse(stdout);
    expect(error.code).toBe('bad-input');
    expect(stderr).toBe(`latentgpu: ${error.message}\n`);
  });
});

test('--force overwrites a model, and only that', async () => {
  await works(`train ae ${QUICK} --steps 1 --out forced`);
  await writeFile(here('forced/notes.txt'), 'mine');
  await works(`train vae ${QUICK} --steps 1 --out forced --force`);
  expect((await readdir(here('forced'))).sort()).toEqual([...FILES, 'notes.txt'].sort());
});
