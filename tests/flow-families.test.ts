/** Flows on the command line: what training leaves, what the commands make of it, what is refused. */
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode as decodePng } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readNpy, writeNpy } from '../src/formats/npy.ts';
import { readSafetensors, writeSafetensors } from '../src/formats/safetensors.ts';
import type { Run } from './support/cli.ts';
import { reals } from './support/engine.ts';
import { perform } from './support/perform.ts';

// A test may start half a dozen processes, each with an adapter of its own.
vi.setConfig({ testTimeout: 180_000 });

let folder = '';
const here = (path: string) => join(folder, path);
const cli = (line: string): Promise<Run> => perform(line.split(' ').filter(Boolean), folder);

async function works(line: string): Promise<Run> {
  const run = await cli(line);
  expect(run.code, `${line}\n${run.stderr}`).toBe(0);
  return run;
}

// biome-ignore lint/suspicious/noExplicitAny: what a command says is for each test to know.
async function json(line: string): Promise<any> {
  return JSON.parse((await works(`${line} --json`)).stdout);
}

async function array(path: string): Promise<{ shape: number[]; values: Float32Array }> {
  const { shape, data } = readNpy(new Uint8Array(await readFile(here(path))));
  return { shape, values: data as Float32Array };
}

const weightsOf = async (path: string) =>
  readSafetensors(new Uint8Array(await readFile(here(`${path}/weights.safetensors`)))).tensors;

/** The centres of n × n cells of a rectangle, as a file, and the area of each. */
async function cells(name: string, n: number, low: number[], high: number[]): Promise<number> {
  const step = [0, 1].map((d) => ((high[d] as number) - (low[d] as number)) / n);
  const points = Float32Array.from({ length: 2 * n * n }, (_, i) => {
    const [cell, d] = [i >> 1, i % 2];
    const at = d === 0 ? cell % n : Math.floor(cell / n);
    return (low[d] as number) + (at + 0.5) * (step[d] as number);
  });
  await writeFile(here(name), writeNpy(points, [n * n, 2]));
  return (step[0] as number) * (step[1] as number);
}

const totalOf = async (path: string, area: number) =>
  (await array(path)).values.reduce((sum, logProb) => sum + Math.exp(logProb) * area, 0);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-flows-'));
  const grey = Uint8Array.from(reals('images', 300 * 64), (x) => 128 + 100 * Math.tanh(x));
  await writeFile(here('images.npy'), imagesOf(grey));
  // Two columns that go together, in units of their own.
  const noise = reals('table', 1200);
  const rows = Array.from({ length: 600 }, (_, i) => {
    const [a, b] = [noise[2 * i] as number, noise[2 * i + 1] as number];
    return `${500 + 100 * a},${0.01 * (a + 0.5 * b)}`;
  });
  await writeFile(here('table.csv'), `${rows.join('\n')}\n`);
  await writeFile(here('rest.csv'), `${rows.slice(0, 100).join('\n')}\n`);
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Bytes [300, 8, 8] as NumPy stores them. */
function imagesOf(grey: Uint8Array): Uint8Array {
  const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (300, 8, 8), }";
  const padded = `${header.padEnd(117)}\n`;
  const head = Uint8Array.of(0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, padded.length, 0);
  return Uint8Array.from([...head, ...new TextEncoder().encode(padded), ...grey]);
}

const TINY = '--quiet --set batch=50';

describe('a density in the plane', () => {
  beforeAll(async () => {
    const run = await works('train realnvp --data moons --limit 4000 --epochs 3 --out moons');
    expect(run.stdout).toMatch(/^realnvp 2, [\d,]+ parameters; moons, 4000 rows, as they are$/m);
    expect(run.stdout).toMatch(/^epoch 3\/3 {2}step 60 {2}loss \d\.\d\d {2}test \d\.\d\d /m);
  }, 120_000);

  test('leaves pictures, and a model that beats the best normal', async () => {
    expect((await readdir(here('moons'))).sort()).toEqual([
      'checkpoint.safetensors',
      'density.png',
      'grid.png',
      'metrics.jsonl',
      'model.json',
      'samples.png',
      'training.json',
      'weights.safetensors',
    ]);
    for (const name of ['samples', 'density', 'grid']) {
      const { data } = decodePng(await readFile(here(`moons/${name}.png`)));
      expect(new Set(data).size, name).toBeGreaterThan(20);
    }
    const found = await json('eval moons');
    expect(found.negativeLogLikelihood).toBeLessThan(1.7);
    expect(found).toMatchObject({ count: 5000, bitsPerDimension: null, dequantization: 'none' });
  });

  test('sums to 1', async () => {
    const area = await cells('grid.npy', 200, [-4, -4], [6, 5]);
    await works('score moons --data grid.npy --out p.npy --quiet');
    expect(await totalOf('p.npy', area)).toBeCloseTo(1, 2);
  });

  test('goes from data to noise and back, and draws what noise becomes', async () => {
    await works('encode moons --limit 70 --out z.npy --quiet');
    await Promise.all([
      works('decode moons --data z.npy --out x.npy --quiet'),
      works('reconstruct moons --count 70 --out again.npy --quiet'),
    ]);
    const [x, again] = [await array('x.npy'), await array('again.npy')];
    expect(x.shape).toEqual([70, 2]);
    x.values.forEach((value, i) => {
      expect(value).toBeCloseTo(again.values[i] as number, 5);
    });
    // Noise of draws is what they were drawn from: the same draws, cooled, are nearer to the middle.
    const spread = async (temperature: number) => {
      const at = `${temperature}`;
      await works(`sample moons --count 64 --seed 3 --temperature ${at} --out s${at}.npy --quiet`);
      await works(`encode moons --data s${at}.npy --out n${at}.npy --quiet`);
      const { values } = await array(`n${at}.npy`);
      return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    };
    const [hot, cool] = (await Promise.all([spread(1), spread(0.5)])) as [number, number];
    expect(hot).toBeGreaterThan(0.8);
    expect(hot).toBeLessThan(1.2);
    expect(cool).toBeCloseTo(hot / 2, 3);
  });

  test('is certified, unless its files lie', async () => {
    await works('train maf --data moons --limit 200 --steps 2 --set depth=2 --out order --quiet');
    const found = await json('certify order --points 3');
    expect(found).toMatchObject({ holds: true, points: 3 });
    expect(found.logDet).toBeGreaterThan(0);
    expect(found.logDet).toBeLessThan(1e-3);
    const tensors = new Map(await weightsOf('order'));
    const back = [...tensors.keys()].find((name) => name.endsWith('.back')) as string;
    const spoil = async (name: string, data: Uint32Array) => {
      const stored = [...tensors].map(
        ([key, { shape, data: old }]) =>
          [
            key,
            { shape, data: (key === name ? data : old) as Float32Array | Uint32Array },
          ] as const,
      );
      await writeFile(here('order/weights.safetensors'), writeSafetensors(stored));
      return await cli('certify order --points 2');
    };
    const wrong = await spoil(back, Uint32Array.of(0, 1));
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toMatch(/^inverse\(forward\(z\)\) = z .* fails/m);
    const broken = await spoil(back, Uint32Array.of(1, 1));
    expect(broken).toMatchObject({ code: 2 });
    expect(broken.stderr).toContain(
      `'${back}' holds 1 at element 1; it must name each of 2 places`,
    );
  });

  test('answers the other commands, or says why not', async () => {
    const [{ stdout }] = await Promise.all([
      works('inspect moons'),
      works('latent moons --limit 50 --out l.png --quiet'),
      works('manifold moons --side 5 --out m.npy --quiet'),
      works('interpolate moons --from 1 --to 2 --out i.png --quiet'),
      works('export moons --out f.onnx --quiet'),
    ]);
    await Promise.all(
      ['f.onnx', 'f.encoder.onnx', 'f.decoder.onnx'].map((name) => access(here(name))),
    );
    expect((await array('m.npy')).shape).toEqual([5, 5, 2]);
    expect(stdout).toContain('from noise to data:\n  normal noise\n  coupling');
    const refused = [
      ['sample moons --draw --out s.png', 'a flow, which leaves nothing to draw; leave out --draw'],
      ['decode moons --draw --data z.npy --out s.png', 'leave out --draw'],
      ['encode moons --std --out s.npy', 'leave out --std'],
      ['eval moons --binarize once', 'leave out --binarize'],
    ] as const;
    const runs = await Promise.all(refused.map(([line]) => cli(line)));
    refused.forEach(([line, why], i) => {
      expect(runs[i], line).toMatchObject({ code: 2, stdout: '' });
      expect(runs[i]?.stderr, line).toContain(why);
    });
  });
});

describe('images', () => {
  test('glow: bits a dimension; a run that goes on equals one that was never stopped', async () => {
    const glow = `train glow --data images.npy --hold-out 60 ${TINY} depth=1 net.hidden=4`;
    await Promise.all([
      works(`${glow} --steps 4 --out once`),
      works(`${glow} --steps 2 --out twice`),
    ]);
    await works('train glow --resume --steps 4 --out twice --quiet');
    const [once, twice] = [await weightsOf('once'), await weightsOf('twice')];
    expect([...twice]).toEqual([...once]);
    const started = [...once].filter(([name]) => name.endsWith('initialized'));
    expect(started.map(([, { data }]) => [...data])).toEqual([[1], [1]]);
    expect(await readdir(here('once'))).toEqual(
      expect.arrayContaining(['samples.png', 'samples-cooler.png']),
    );
    const found = await json('eval once --samples 2');
    expect(found).toMatchObject({ count: 60, dequantization: 'uniform', draws: 2 });
    const bits = found.negativeLogLikelihood / (64 * Math.LN2) + 8;
    expect(found.bitsPerDimension).toBeCloseTo(bits, 9);
    // Grey levels come back as they are.
    await works('encode once --limit 20 --out zi.npy --quiet');
    await works('decode once --data zi.npy --out xi.npy --quiet');
    const levels = (await array('xi.npy')).values.map((x) => 255 * x);
    levels.forEach((level) => {
      expect(Math.abs(level - Math.round(level))).toBeLessThan(1e-3);
    });
  });

  test.each([
    ['maf', 'depth=1 net.hidden=32', undefined],
    ['realnvp', 'depth=2 mask=checkerboard net.hidden=4 norm=batchnorm', undefined],
    [
      'flow',
      'base.kind=diagonal',
      [
        { type: 'autoregressive', hidden: [8] },
        { type: 'permute' },
        { type: 'flatten' },
        { type: 'coupling', hidden: [4], flip: true },
        { type: 'emerging' },
        { type: 'split', hidden: [4] },
        { type: 'batchnorm' },
        { type: 'qr' },
        { type: 'squeeze' },
      ],
    ],
  ])('%s keeps its promises', async (family, keys, layers) => {
    const config = layers ? ' --config layers.json' : '';
    if (layers) await writeFile(here('layers.json'), JSON.stringify({ layers }));
    await works(
      `train ${family} --data images.npy --steps 3 ${TINY} ${keys}${config} --out i-${family}`,
    );
    const found = await json(`certify i-${family} --points 1`);
    expect(found).toMatchObject({ holds: true, points: 1 });
  });
});

describe('tables', () => {
  test.each([
    ['linear-lu', ''],
    ['iaf', 'depth=2'],
  ])('%s: log-densities are those of the data in their own units', async (family, keys) => {
    const out = `t-${family}`;
    await works(
      `train ${family} --data table.csv --test rest.csv --standardize --epochs 5 ${TINY} ${keys} --out ${out}`,
    );
    const area = await cells('units.npy', 150, [-700, -0.12], [1700, 0.12]);
    await works(`score ${out} --data units.npy --out p.npy --quiet`);
    expect(await totalOf('p.npy', area)).toBeCloseTo(1, 2);
    const { rows } = await json(`score ${out} --out p.npy`);
    const { negativeLogLikelihood } = await json(`eval ${out}`);
    const mean = rows.logProb.reduce((a: number, b: number) => a + b) / rows.logProb.length;
    expect(-mean).toBeCloseTo(negativeLogLikelihood, 6);
    expect(await json(`certify ${out} --points 2`)).toMatchObject({ holds: true });
  });
});

test('a VAE with flows trains, goes on, and answers', async () => {
  const flows = 'posterior=iaf prior=realnvp posterior.hidden=6 prior.hidden=6';
  const nets = 'latent=3 encoder.hidden=8 decoder.hidden=8';
  const vae = `train vae --data images.npy --hold-out 60 ${TINY} ${flows} ${nets}`;
  await Promise.all([works(`${vae} --steps 4 --out v4`), works(`${vae} --steps 2 --out v2`)]);
  await works('train vae --resume --steps 4 --out v2 --quiet');
  expect([...(await weightsOf('v2'))]).toEqual([...(await weightsOf('v4'))]);
  const [found] = await Promise.all([
    json('eval v4 --samples 50'),
    works('encode v4 --out zv.npy --quiet'),
    works('encode v4 --draw --out zd.npy --quiet'),
    works('sample v4 --count 5 --out sv.npy --quiet'),
    works('manifold v4 --side 3 --out mv.png --quiet'),
    works('inspect v4'),
    works('export v4 --out v.onnx --quiet'),
  ]);
  expect((await array('zv.npy')).shape).toEqual([60, 3]);
  expect((await array('zd.npy')).values).not.toEqual((await array('zv.npy')).values);
  // The likelihood's bound is tighter, and either is one of 64 numbers of 0 or 1.
  expect(found.nll.value).toBeLessThan(found.negativeElbo + 1);
  expect(found.negativeElbo).toBeLessThan(80);
  const refused = [
    ['encode v4 --std --out s.npy', 'whose deviations have no closed form'],
    [`${vae} objective.kl=analytic --out v1`, 'objective.kl is analytic'],
  ] as const;
  const runs = await Promise.all(refused.map(([line]) => cli(line)));
  refused.forEach(([line, why], i) => {
    expect(runs[i], line).toMatchObject({ code: 2, stdout: '' });
    expect(runs[i]?.stderr, line).toContain(why);
  });
});

describe('what cannot be', () => {
  const list = (...layers: object[]) => JSON.stringify({ layers });
  test.each([
    ['glow --data moons', undefined, 'glow takes images [height, width]'],
    [
      'realnvp --data moons --set logit=0.01',
      undefined,
      'a logit takes values in [0, 1], and those',
    ],
    ['maf --data moons --set norm=batchnorm ema=0.9', undefined, 'ema keeps other parameters'],
    ['maf --data moons --binarize once', undefined, 'binarize has no effect here'],
    ['vae --data moons', undefined, 'not within [0, 1]; train with --standardize'],
    ['iaf --data digits --limit 200', undefined, '784 features are too many (at most 64)'],
    ['flow --data moons', undefined, 'layers is empty; list them from noise to data'],
    ['flow --data moons', list({ type: 'couplin' }), 'layers[0]: its type is "couplin"'],
    ['flow --data moons', list({ type: 'squeeze' }), 'layers[0] (squeeze): images [2] cannot be'],
    [
      'flow --data moons',
      list({ type: 'lu', start: [1, 2, 2, 4] }),
      'layers[0] (lu): the start of a linear flow is singular (pivot 1 is 0)',
    ],
    [
      'flow --data moons',
      list({ type: 'coupling', mask: 'checkerboard' }),
      "layers[0] (coupling): a coupling with mask 'checkerboard' transforms nothing",
    ],
    [
      'flow --data moons',
      list({ type: 'lu' }, { type: 'coupling', transform: 'spline', bound: 0 }),
      'layers[1] (coupling): bound is 0; it must be a number above 0',
    ],
  ])('train %s %#', async (words, layers, why) => {
    if (layers) await writeFile(here('bad.json'), layers);
    const run = await cli(`train ${words}${layers ? ' --config bad.json' : ''} --out none`);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(why);
    expect(run.stderr.trim().split('\n')).toHaveLength(1);
    await expect(access(here('none'))).rejects.toThrow('ENOENT');
  });
});
