/** The commands that ask a trained model: what is in their files, by value, and what they refuse. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode as decodePng } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Standardization } from '../src/data/standardize.ts';
import { readNpy, writeNpy } from '../src/formats/npy.ts';
import { readSafetensors } from '../src/formats/safetensors.ts';
import type { Variable } from '../src/graph/variable.ts';
import {
  buildModel,
  type CodedConfig,
  type ModelConfig,
  modelJson,
  writeWeights,
} from '../src/models/index.ts';
import { normalQuantile } from '../src/ops/reference/special.ts';
import { principalComponents } from '../src/pictures/components.ts';
import { load } from '../src/sampler/index.ts';
import { buildCli, ROOT, type Run, start, startHeard } from './support/cli.ts';
import { reals } from './support/engine.ts';
import { perform } from './support/perform.ts';
import { exactly, toy, toyData, toyVae } from './support/toys.ts';

// A test may start half a dozen processes, each with an adapter of its own.
vi.setConfig({ testTimeout: 180_000 });

let folder = '';
const here = (path: string) => join(folder, path);

function cli(line: string): Promise<Run> {
  return perform(line.split(' ').filter(Boolean), folder);
}

async function works(line: string): Promise<Run> {
  const run = await cli(line);
  expect(run.code, `${line}\n${run.stderr}`).toBe(0);
  expect(run.stderr, line).toBe('');
  return run;
}

/** By the built program, beside which stands what a web export copies. */
async function built(line: string): Promise<void> {
  expect(await start(line.split(' '), folder).run).toEqual({ code: 0, stdout: '', stderr: '' });
}

/** Runs a command that writes an array; its shape and its values. */
async function array(line: string): Promise<{ shape: number[]; values: Float32Array }> {
  const path = / --out (\S+)/.exec(line)?.[1] as string;
  await works(line);
  const { dtype, shape, data } = readNpy(new Uint8Array(await readFile(here(path))));
  expect(dtype).toBe('<f4');
  return { shape, values: data as Float32Array };
}

/** Runs a command that draws a picture. */
async function picture(line: string) {
  const path = / --out (\S+)/.exec(line)?.[1] as string;
  await works(line);
  return decodePng(await readFile(here(path)));
}

// biome-ignore lint/suspicious/noExplicitAny: what a command says is for each test to know.
async function json(line: string): Promise<any> {
  return JSON.parse((await works(`${line} --json`)).stdout);
}

const net = (...hidden: number[]) => ({ hidden, activation: 'relu' }) as const;

/** A model folder as somebody else might have written it, with weights of no meaning. */
async function makeFolder(
  name: string,
  config: Partial<ModelConfig & CodedConfig> & Pick<ModelConfig & CodedConfig, 'data'>,
  known?: ReadonlyMap<string, Float32Array>,
  standardization?: Standardization,
): Promise<void> {
  const whole = {
    family: 'vae',
    encoder: net(8),
    latent: 2,
    decoder: net(8),
    likelihood: { kind: 'bernoulli' },
    ...(config.family !== 'ae' && {
      objective: { bound: 'elbo', samples: 1, kl: 'analytic', beta: 1 },
    }),
    init: 'torch',
    ...config,
  } as unknown as ModelConfig;
  const values = new Map<Variable, Float32Array>(
    buildModel(whole)
      .namedParameters()
      .map(([path, p]) => [p, known?.get(path) ?? reals(`${name} ${path}`, p.size, -0.7, 0.7)]),
  );
  await mkdir(here(name));
  await writeFile(here(`${name}/model.json`), modelJson(whole));
  await writeFile(here(`${name}/weights.safetensors`), writeWeights(values, standardization));
}

async function writeArray(path: string, values: Float32Array, shape: number[]): Promise<void> {
  await writeFile(here(path), writeNpy(values, shape));
}

beforeAll(async () => {
  await buildCli();
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-commands-'));
  const small = '--set encoder.hidden=16 decoder.hidden=16 latent=3';
  await works(`train vae --data digits --limit 200 --batch 40 --epochs 4 ${small} --out model`);
  await makeFolder('flat', { data: { shape: [28, 28] } });
  await makeFolder('ae', { data: { shape: [28, 28] }, family: 'ae' });
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

describe('help', () => {
  test.each([
    'encode',
    'decode',
    'reconstruct',
    'interpolate',
    'score',
    'manifold',
    'latent',
    'sample',
    'eval',
  ])('of %s fits a screen and shows an example', async (command) => {
    const { stdout } = await works(`${command} --help`);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(40);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toContain(`Example:\n  latentgpu ${command} `);
    for (const flag of ['--json', '--quiet', '--seed']) expect(stdout).toContain(flag);
  });

  test('lists every command in a screen', async () => {
    const { stdout } = await works('--help');
    expect(stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
    for (const name of ['train', 'encode', 'reconstruct', 'latent', 'doctor']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b.* {2}\\S`, 'm'));
    }
    expect((await works('help decode')).stdout).toContain('Usage: latentgpu decode');
  });
});

describe('encode and decode', () => {
  test('decoded codes are the reconstructions', async () => {
    const z = await array('encode model --limit 70 --out z.npy');
    expect(z.shape).toEqual([70, 3]);
    const x = await array('decode model --data z.npy --out x.npy');
    expect(x.shape).toEqual([70, 28, 28]);
    expect(x.values.every((value) => value > 0 && value < 1)).toBe(true);
    const again = await array('reconstruct model --count 70 --out again.npy');
    expect(again).toEqual(x);
    const drawn = await array('decode model --data z.npy --out drawn.npy --draw --seed 3');
    expect(new Set(drawn.values)).toEqual(new Set([0, 1]));
    expect(await array('reconstruct model --count 70 --out d.npy --draw --seed 3')).toEqual(drawn);
  });

  test('weights kept as float16 give nearly the same', async () => {
    const z = Float32Array.from({ length: 30 }, (_, i) => Math.sin(i));
    await writeArray('ten.npy', z, [10, 3]);
    const whole = await array('decode model --data ten.npy --out whole.npy');
    const half = await array('decode model --data ten.npy --out half.npy --half');
    const apart = half.values.map((x, i) => Math.abs(x - (whole.values[i] as number)));
    expect(Math.max(...apart)).toBeGreaterThan(0);
    expect(Math.max(...apart)).toBeLessThan(0.01);
    expect(await json('sample model --count 2 --out two.npy --half')).toMatchObject({
      weights: 'f16',
    });
  });

  test('draws lie around the means as the deviations say', async () => {
    const { values: mean } = await array('encode model --out mean.npy');
    const { values: std, shape } = await array('encode model --std --out std.npy');
    const { values: z } = await array('encode model --draw --seed 5 --out draws.npy');
    expect(shape).toEqual([2000, 3]);
    expect(std.every((s) => s > 0)).toBe(true);
    const noise = z.map((value, i) => (value - Number(mean[i])) / Number(std[i]));
    const average = noise.reduce((a, b) => a + b, 0) / noise.length;
    const square = noise.reduce((a, b) => a + b * b, 0) / noise.length;
    expect(Math.abs(average)).toBeLessThan(4 / Math.sqrt(6000));
    expect(Math.abs(square - 1)).toBeLessThan(4 * Math.sqrt(2 / 6000));
    const again = await array('encode model --draw --seed 5 --limit 9 --out few.npy');
    expect(again.values).toEqual(z.slice(0, 27));
    const others = await array('encode model --draw --seed 6 --limit 9 --out few.npy');
    expect(others.values).not.toEqual(again.values);
  });

  test('takes data from a file, either split, and binarises on request', async () => {
    const whole = await array('encode model --limit 4 --split train --out train.npy');
    expect(whole.values).not.toEqual((await array('encode model --limit 4 --out t.npy')).values);
    const grey = reals('grey', 3 * 784, 0, 1);
    await writeArray('grey.npy', grey, [3, 28, 28]);
    await writeArray('black.npy', grey.map(Math.round), [3, 784]);
    const black = await array('encode model --data black.npy --out b.npy');
    expect(await array('encode model --data grey.npy --binarize static --out b.npy')).toEqual(
      black,
    );
    expect(await array('encode model --data grey.npy --out b.npy')).not.toEqual(black);
    const said = await json('encode model --data grey.npy --binarize once --seed 2 --out b.npy');
    expect(said).toMatchObject({
      file: 'b.npy',
      count: 3,
      latent: 3,
      values: 'means',
      data: 'grey.npy',
      binarization: 'once',
      seed: 2,
    });
    expect(said.adapter).toBeTypeOf('string');
  });

  test('decodes one code and many, into a picture too', async () => {
    await writeArray('one.npy', Float32Array.of(0.5, -1, 2), [1, 3]);
    expect((await array('decode model --data one.npy --out one-x.npy')).shape).toEqual([1, 28, 28]);
    const { width, height } = await picture('decode model --data one.npy --out one.png');
    expect([width, height]).toEqual([60, 60]);
  });
});

describe('reconstruct', () => {
  test('chosen rows, in their order', async () => {
    const all = await array('reconstruct model --out all.npy');
    expect(all.shape).toEqual([2000, 28, 28]);
    const row = (i: number) => all.values.slice(i * 784, (i + 1) * 784);
    const some = await array('reconstruct model --rows 7,1999,3-4 --out some.npy');
    expect(some.shape).toEqual([4, 28, 28]);
    [7, 1999, 3, 4].forEach((i, k) => {
      expect(some.values.slice(k * 784, (k + 1) * 784)).toEqual(row(i));
    });
    const last = await array('reconstruct model --offset 1998 --count 9 --out last.npy');
    expect(last.shape).toEqual([2, 28, 28]);
    expect(last.values).toEqual(all.values.slice(1998 * 784));
  });

  test('data above, reconstruction below', async () => {
    const both = await picture('reconstruct flat --data digits --count 12 --out pairs.png');
    // Two rows of pairs, ten in a row, each image twice its size.
    expect([both.width, both.height]).toEqual([2 + 10 * 58, 2 * 2 + 2 * (2 * 56 + 2) + 8]);
    const again = await array('reconstruct flat --data digits --count 12 --out pairs.npy');
    const pixel = (x: number, y: number) => both.data[y * both.width + x];
    const center = 14 * 28 + 14;
    const at = [2 + 3 * 58 + 28, 2 + 58 + 28] as const;
    expect(pixel(...at)).toBe(Math.round(255 * Number(again.values[3 * 784 + center])));
    const usual = await json('reconstruct flat --data digits --out usual.png');
    expect(usual).toMatchObject({
      count: 40,
      shown: 'mean',
      shape: [28, 28],
      binarization: 'none',
    });
  });
});

describe('interpolate', () => {
  test('ends at the reconstructions, and passes their middle', async () => {
    const line = 'interpolate model --from 4,9 --to 2,11 --steps 5';
    const path = await array(`${line} --out path.npy`);
    expect(path.shape).toEqual([2, 5, 28, 28]);
    const image = (i: number) => path.values.slice(i * 784, (i + 1) * 784);
    const ends = await array('reconstruct model --rows 4,2,9,11 --out ends.npy');
    [0, 4, 5, 9].forEach((i, k) => {
      expect(image(i), `image ${i}`).toEqual(ends.values.slice(k * 784, (k + 1) * 784));
    });
    const { values: z } = await array('encode model --limit 12 --out z.npy');
    const middle = Float32Array.from([0, 1, 2], (d) => (Number(z[12 + d]) + Number(z[6 + d])) / 2);
    await writeArray('middle.npy', middle, [1, 3]);
    const between = await array('decode model --data middle.npy --out between.npy');
    between.values.forEach((value, i) => {
      expect(image(2)[i]).toBeCloseTo(value, 5);
    });
    const round = await array(`${line} --spherical --out round.npy`);
    expect(round.values.slice(0, 784)).toEqual(image(0));
    expect(round.values.slice(2 * 784, 3 * 784)).not.toEqual(image(2));
    const { width, height } = await picture(`${line} --out path.png`);
    expect([width, height]).toEqual([2 + 5 * 58, 2 + 2 * 58]);
    expect(await json(`${line} --spherical --out path.png`)).toMatchObject({
      from: [4, 9],
      to: [2, 11],
      steps: 5,
      path: 'spherical',
    });
  });
});

describe('export --to web', () => {
  test('holds what is drawn from, and draws the same', async () => {
    await built('export model --to web --out site --quiet');
    expect((await readdir(here('site'))).sort()).toEqual([
      'index.html',
      'model.json',
      'sampler.js',
      'weights.safetensors',
    ]);
    const { tensors } = readSafetensors(
      new Uint8Array(await readFile(here('site/weights.safetensors'))),
    );
    expect([...tensors.keys()].every((name) => name.startsWith('decoder.'))).toBe(true);
    const [own, exported] = await Promise.all(
      ['model', 'site'].map((name) => load(here(name), { backend: 'javascript' })),
    );
    expect(await exported?.sample(3, { seed: 5 })).toEqual(await own?.sample(3, { seed: 5 }));
  });

  test('of a flow holds its program and what plays it, which draw what sample does', async () => {
    const flow = join(ROOT, 'tests/fixtures/v0.1.0/realnvp');
    await expect(load(flow)).rejects.toThrow(
      /family is "realnvp".*; for others: latentgpu export DIR --to web$/,
    );
    await built(`export ${flow} --to web --half --out played --quiet`);
    expect((await readdir(here('played'))).sort()).toEqual([
      'index.html',
      'model.json',
      'program.json',
      'sampler-program.js',
      'sampler.js',
      'weights.safetensors',
    ]);
    const { tensors } = readSafetensors(
      new Uint8Array(await readFile(here('played/weights.safetensors'))),
    );
    const { nodes } = JSON.parse(await readFile(here('played/program.json'), 'utf8'));
    const read = (nodes as [op: string, inputs: number[], name: string][]).filter(
      ([op]) => op === 'w',
    );
    expect([...tensors.keys()].sort()).toEqual(read.map(([, , name]) => name).sort());
    await built(`export ${flow} --to web --out played --quiet`);
    const { values } = await array(`sample ${flow} --count 20 --seed 5 --out drawn.npy`);
    const played = await load(here('played'), { backend: 'javascript' });
    const rows = await played.sample(20, { seed: 5 });
    expect(rows).toHaveLength(values.length);
    rows.forEach((value, i) => {
      expect(Math.abs(value - (values[i] as number))).toBeLessThan(1e-4);
    });
  });
});

describe('score', () => {
  test('is what eval says, row by row', async () => {
    const options = '--limit 30 --samples 25 --seed 4';
    const scored = await json(`score model ${options} --out logp.npy`);
    const { nll } = await json(`eval model ${options}`);
    expect(-scored.logProb).toBe(nll.value);
    expect(scored.standardError).toBe(nll.standardError);
    expect(scored.effectiveSampleSize).toBe(nll.effectiveSampleSize);
    expect(scored).toMatchObject({ count: 30, samples: 25, binarization: 'resampled', seed: 4 });
    const { shape, data } = readNpy(new Uint8Array(await readFile(here('logp.npy'))));
    expect(shape).toEqual([30]);
    expect(data).toEqual(Float32Array.from(scored.rows.logProb));
    for (const [i, error] of scored.rows.standardError.entries()) {
      const effective = scored.rows.effectiveSampleSize[i];
      expect(error).toBeCloseTo(Math.sqrt(1 / effective - 1 / 25), 9);
    }
    const squares = scored.rows.standardError.reduce((a: number, e: number) => a + e * e, 0);
    expect(scored.monteCarloError).toBeCloseTo(Math.sqrt(squares) / 30, 9);
    const few = await array('score model --limit 7 --samples 25 --seed 4 --out few.npy');
    expect(few.values).toEqual((data as Float32Array).slice(0, 7));
  });

  test('of a part of the rows is what a file of its own holds', async () => {
    const whole = await array('score model --limit 9 --samples 5 --seed 4 --out whole.npy');
    const first = await array('score model --rows 0-6 --samples 5 --seed 4 --out part.0.npy');
    expect(first).toEqual({ shape: [7], values: whole.values.slice(0, 7) });
    const rest = await json('score model --rows 7-8 --samples 5 --seed 4 --out part.1.npy');
    expect(rest).toMatchObject({ first: 7, count: 2, file: 'part.1.npy' });
    expect(rest.rows.logProb).toHaveLength(2);
    await works('score model --rows 7-8 --samples 5 --seed 4 --out part.csv');
    const [heading, ...lines] = (await readFile(here('part.csv'), 'utf8')).trimEnd().split('\n');
    expect(heading).toBe('row,logProb,standardError,effectiveSampleSize');
    const { logProb, standardError, effectiveSampleSize: effective } = rest.rows;
    expect(lines.map((line) => line.split(',').map((cell) => Math.fround(Number(cell))))).toEqual(
      [7, 8].map((row, i) => [
        row,
        ...[logProb, standardError, effective].map((of) => Math.fround(of[i])),
      ]),
    );
  });

  test('lists many rows only if asked', async () => {
    const line = 'score flat --data digits --limit 1001 --samples 2 --out many.npy';
    expect(await json(line)).not.toHaveProperty('rows');
    expect((await json(`${line} --rows`)).rows.logProb).toHaveLength(1001);
  });

  test('of a linear-Gaussian model is its exact log-likelihood, in data units', async () => {
    const { values, exact, model } = toyVae(exactly);
    const mean = Float32Array.of(40, -3, 0.5, 7, 0, 1e3);
    const std = Float32Array.of(12, 0.25, 1, 3, 0.125, 500);
    const known = new Map(
      model.namedParameters().map(([path, p]) => [path, values.get(p) as Float32Array]),
    );
    await makeFolder(
      'linear',
      {
        data: { shape: [6], standardized: true },
        encoder: net(),
        decoder: net(),
        likelihood: { kind: 'normal', sigma: 'fixed', std: toy.std },
      },
      known,
      { mean, std },
    );
    const seen = toyData(25);
    const x = seen.map((value, i) => value * Number(std[i % 6]) + Number(mean[i % 6]));
    await writeArray('table.npy', x, [25, 6]);
    const { values: found } = await array('score linear --data table.npy --samples 9 --out l.npy');
    const scale = std.reduce((sum, s) => sum + Math.log(s), 0);
    found.forEach((value, i) => {
      const row = seen.slice(6 * i, 6 * i + 6);
      expect(value).toBeCloseTo(exact.logProb(row) - scale, 2);
    });
    const total = found.reduce((a, b) => a + b, 0) / 25;
    const { nll, negativeElbo } = await json('eval linear --data table.npy --samples 9');
    expect(-nll.value).toBeCloseTo(total, 4);
    // The posterior is exact, so the bound differs by its own draw alone.
    expect(Math.abs(negativeElbo + total)).toBeLessThan(2);

    const { tensors } = await json('inspect linear');
    expect(tensors.map(({ name }: { name: string }) => name)).toContain('standardize.std');

    // Everything that leaves the model is in data units again.
    const { values: z } = await array('encode linear --data table.npy --out z.npy');
    const again = await array('reconstruct linear --data table.npy --out again.npy');
    expect(again.shape).toEqual([25, 6]);
    again.values.forEach((value, i) => {
      const d = i % 6;
      const [z0, z1] = [Number(z[2 * ((i - d) / 6)]), Number(z[2 * ((i - d) / 6) + 1])];
      const w = (j: number) => Number(toy.weight[2 * d + j]);
      const decoded = w(0) * z0 + w(1) * z1 + Number(toy.bias[d]);
      expect(value / Number(std[d])).toBeCloseTo(decoded + Number(mean[d]) / Number(std[d]), 3);
    });
    const drawn = await array('sample linear --count 400 --out s.npy');
    for (let d = 0; d < 6; d++) {
      const column = Array.from({ length: 400 }, (_, i) => Number(drawn.values[6 * i + d]));
      const average = column.reduce((a, b) => a + b, 0) / 400;
      const expected = Number(mean[d]) + Number(std[d]) * Number(toy.bias[d]);
      // Decoded means spread by less than 1.1 standardised units.
      expect(Math.abs(average - expected) / Number(std[d])).toBeLessThan((4 * 1.1) / 20);
    }
    const cloud = await picture('reconstruct linear --data table.npy --out cloud.png');
    expect([cloud.channels, cloud.width > 600]).toEqual([3, true]);
    const strips = await picture('sample linear --count 12 --out strips.png');
    // Two columns of six cells, in colour.
    expect([strips.width, strips.height, strips.channels]).toEqual([2 + 2 * 98, 2 + 6 * 18, 3]);
  });
});

describe('manifold', () => {
  test("has the prior's quantiles at its corners", async () => {
    const all = await array('manifold flat --side 4 --out m.npy');
    expect(all.shape).toEqual([4, 4, 28, 28]);
    const q = normalQuantile(1 / 8);
    await writeArray('corners.npy', Float32Array.of(q, -q, -q, -q, q, q, -q, q), [4, 2]);
    const corners = await array('decode flat --data corners.npy --out c.npy');
    [0, 3, 12, 15].forEach((i, k) => {
      const image = all.values.slice(i * 784, (i + 1) * 784);
      expect(image, `picture ${i}`).toEqual(corners.values.slice(k * 784, (k + 1) * 784));
    });
    const { width, height } = await picture('manifold flat --side 4 --out m.png');
    expect([width, height]).toEqual([4 * 56, 4 * 56]);
    expect(await json('manifold flat --side 1 --out m.png')).toMatchObject({ over: 'prior' });
  });

  test('over the principal components is centred on the mean of the codes', async () => {
    const all = await array('manifold model --side 3 --limit 500 --out m.npy');
    const { values: z } = await array('encode model --limit 500 --out z.npy');
    const { mean, axes, variances } = principalComponents(z, 500, 3);
    const q = normalQuantile(1 / 6);
    const corner = mean.map(
      (m, d) =>
        m +
        q * Math.sqrt(Number(variances[0])) * Number(axes[d]) -
        q * Math.sqrt(Number(variances[1])) * Number(axes[3 + d]),
    );
    await writeArray('two.npy', Float32Array.from([...mean, ...corner]), [2, 3]);
    const two = await array('decode model --data two.npy --out two-x.npy');
    two.values.forEach((value, i) => {
      const at = i < 784 ? 4 * 784 + i : i - 784;
      expect(all.values[at]).toBeCloseTo(value, 4);
    });
    expect(await json('manifold ae --data digits --limit 50 --side 3 --out m.png')).toMatchObject({
      over: 'principal components',
      data: 'digits',
    });
  });

  test('of one dimension is a row', async () => {
    await makeFolder('line', { data: { shape: [4, 6] }, latent: 1 });
    expect((await array('manifold line --side 5 --out m.npy')).shape).toEqual([5, 4, 6]);
    const { width, height } = await picture('manifold line --side 5 --out m.png');
    // 6 pixels become 54.
    expect([width, height]).toEqual([5 * 54, 36]);
    await writeArray('rect.npy', reals('rect', 240, 0, 1), [10, 4, 6]);
    const codes = await array('encode line --data rect.npy --out z.npy');
    const points = await array('latent line --data rect.npy --out l.npy');
    expect(points.values.filter((_, i) => i % 2 === 0)).toEqual(codes.values);
    expect((await picture('latent line --data rect.npy --out l.png')).channels).toBe(3);
  });
});

describe('latent', () => {
  test('is the plane of the first two principal components', async () => {
    const points = await array('latent model --limit 300 --out l.npy');
    expect(points.shape).toEqual([300, 2]);
    const { values: z } = await array('encode model --limit 300 --out z.npy');
    const { projected, variances } = principalComponents(z, 300, 3);
    expect(points.values).toEqual(projected);
    const [a = 0, b = 0, c = 0] = variances;
    const said = await json('latent model --limit 300 --out l.png');
    expect(said.share).toBeCloseTo((a + b) / (a + b + c), 12);
    const { channels, data } = await picture('latent model --limit 300 --out l.png');
    expect(channels).toBe(3);
    // Ten labels make more colours than axes and text have.
    const colors = new Set<string>();
    for (let i = 0; i < data.length; i += 3) colors.add(`${data.slice(i, i + 3)}`);
    expect(colors.size).toBeGreaterThan(100);
  });

  test('of two dimensions is the codes themselves', async () => {
    const codes = await array('encode flat --data digits --limit 9 --out z.npy');
    expect(await array('latent flat --data digits --limit 9 --out l.npy')).toEqual(codes);
  });
});

describe('data of any shape', () => {
  test.each([
    ['tall', [6, 4], [6, 4], 9],
    ['colour', [6, 4, 3], [6, 4], 9],
    ['grey', [16, 8, 1], [16, 8], 4],
    ['table', [5], [1, 5], 16],
  ] as const)('%s', async (name, shape, [height, width], scale) => {
    await makeFolder(name, { data: { shape: [...shape] } });
    const size = shape.reduce((a: number, b) => a * b, 1);
    await writeArray('any.npy', reals('any', 6 * size, 0, 1), [6, ...shape]);
    expect((await array(`sample ${name} --count 4 --out s.npy`)).shape).toEqual([4, ...shape]);
    const grid = await picture(`sample ${name} --count 4 --out s.png`);
    const [columns, rows] = name === 'table' ? [1, 4] : [2, 2];
    expect([grid.width, grid.height, grid.channels]).toEqual([
      2 + columns * (width * scale + 2),
      2 + rows * (height * scale + 2),
      name === 'colour' ? 3 : 1,
    ]);
    for (const line of [
      `reconstruct ${name} --data any.npy`,
      `interpolate ${name} --data any.npy --from 0 --to 5 --steps 3`,
      `manifold ${name} --side 3`,
      `latent ${name} --data any.npy`,
    ]) {
      expect((await picture(`${line} --out any.png`)).width, line).toBeGreaterThan(20);
    }
  });

  test('points in the plane are a scatter plot', async () => {
    await makeFolder('points', { data: { shape: [2] } });
    expect((await picture('sample points --out p.png')).width).toBeGreaterThan(600);
  });
});

describe('mistakes', () => {
  test.each([
    ['encode model', "required option '--out <file>' not specified"],
    ['encode model --out z.png', '--out z.png: name a file that ends in .npy'],
    ['encode model --out nowhere/z.npy', 'there is no folder nowhere'],
    ['encode nowhere --out new.npy', 'no such folder: nowhere'],
    ['encode model --out new.npy --draw --std', "'--draw' cannot be used with option '--std'"],
    ['encode ae --data digits --out new.npy --std', 'an autoencoder, whose codes have neither'],
    ['encode flat --out new.npy', 'flat does not say what data it was trained on'],
    ['encode model --data wide.npy --out new.npy', 'the model takes [28, 28]'],
    ['decode model --data none.npy --out new.npy', 'no such file: none.npy'],
    ['decode model --data wide.npy --out new.npy', 'wide.npy holds [2, 3, 5] and the model takes'],
    ['decode flat --data three.npy --out new.npy', 'the model takes codes [n, 2]'],
    ['decode model --data nan.npy --out new.npy', 'nan.npy: code 1 holds NaN in dimension 2'],
    ['decode model --data empty.npy --out new.npy', 'empty.npy'],
    [
      'decode model --data model/model.json --out new.npy',
      'model.json is no .npy file and no .csv; write the codes as one',
    ],
    ['reconstruct model --out new.png --rows 3,2000', '--rows: there is no row 2000 in digits'],
    ['reconstruct model --out new.png --rows 3-1', 'row numbers from 0, such as 3 or 1,5,8'],
    ['reconstruct model --out new.png --offset 2000', '--offset: there is no row 2000 in digits'],
    ['reconstruct model --out new.png --rows 1 --count 2', "cannot be used with option '--count"],
    ['interpolate model --to 3 --out new.png', "required option '--from <row>'"],
    ['interpolate model --from 1 --to 2000 --out new.png', 'rows are 0 to 1999'],
    ['interpolate model --from 1,2 --to 3 --out new.png', '--from names 2 rows and --to 1'],
    ['interpolate model --from -1 --to 3 --out new.png', 'row numbers from 0'],
    ['interpolate model --from 1 --to 3 --steps 1 --out new.png', 'whole number of at least 2'],
    ['score model --rows 9-3 --out new.npy', '--rows 9-3'],
    ['score model --samples 0 --out new.npy', 'whole number of at least 1'],
    ['score ae --data digits --out new.npy', 'an autoencoder, which gives data no probability'],
    ['score model --out new.png', 'name a file that ends in .npy or .csv'],
    ['manifold model --side 0 --out new.png', 'whole number of at least 1'],
    ['manifold flat --side 101 --out new.png', 'at most 10000 fit a .png file'],
    ['latent model --out new.gif', 'name a file that ends in .png or .npy'],
    ['latent model --out dir.png', '--out dir.png: this is a folder'],
    ['sample ae --out new.png', 'no distribution of codes to draw from'],
  ])('%s', async (line, why) => {
    await mkdir(here('dir.png'), { recursive: true });
    await writeArray('wide.npy', new Float32Array(30), [2, 3, 5]);
    await writeArray('three.npy', new Float32Array(6), [2, 3]);
    await writeArray('nan.npy', Float32Array.of(0, 0, 0, 0, 0, Number.NaN), [2, 3]);
    await writeArray('empty.npy', new Float32Array(0), [0, 3]);
    const before = await readdir(folder);
    const { code, stdout, stderr } = await cli(line);
    expect(stderr).toMatch(/^latentgpu: [^\n]+\n$/);
    expect(stderr).toContain(why);
    expect([code, stdout]).toEqual([2, '']);
    expect(await readdir(folder)).toEqual(before);
  });

  test('Ctrl-C stops at once and leaves nothing', async () => {
    const line = 'score model --samples 100000000 --out stopped.npy';
    const { child, run } = await startHeard(line.split(' '), folder);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await run;
    expect([code, stdout]).toEqual([130, '']);
    expect(stderr).toMatch(
      /^latentgpu: stopping; .*\nlatentgpu: estimating the likelihood was stopped\n$/,
    );
    expect(await readdir(folder)).not.toContain('stopped.npy');
  });
});
