// State_dicts of other programs, as models of this one: names, layouts, types, and what they compute.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  readSafetensors,
  type WritableTensor,
  writeSafetensors,
} from '../src/formats/safetensors.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { input, type Variable } from '../src/graph/variable.ts';
import { buildModel, type Vae } from '../src/models/index.ts';
import type { Posterior } from '../src/objectives/index.ts';
import { evaluate } from '../src/ops/index.ts';
import { readModelFolder } from '../src/training/model-folder.node.ts';
import { ROOT, type Run } from './support/cli.ts';
import { reals } from './support/engine.ts';
import { perform } from './support/perform.ts';
import {
  EXAMPLES,
  file,
  imported,
  numbers,
  OWN,
  plain,
  RENAME,
  renamed,
  type Tensors,
  typed,
  without,
} from './support/state-dicts.ts';

const FIXTURE = join(ROOT, 'tests/fixtures/torch-state-dict');

describe('a state_dict', () => {
  test('of pytorch/examples computes what it does there', async () => {
    const found = imported(await readFile(join(FIXTURE, 'weights.safetensors')), {
      rename: RENAME,
      shape: [4, 3],
    });
    expect(found.config).toMatchObject({
      family: 'vae',
      data: { shape: [4, 3] },
      encoder: { hidden: [7], activation: 'relu' },
      latent: 3,
      decoder: { hidden: [7], activation: 'relu' },
      likelihood: { kind: 'bernoulli' },
    });
    const { tensors } = readSafetensors(await readFile(join(FIXTURE, 'forward.safetensors')));
    const torch = (name: string) => tensors.get(name)?.data as Float32Array;
    const model = buildModel(found.config) as Vae;
    const named = new Map([...found.values].map(([parameter, data]) => [parameter.name, data]));
    const x = input('x', [5, 12]);
    const { mean, logStd } = model.posterior({ x }) as Posterior & { logStd: Tensor };
    const outputs = { mean, logStd, reconstruction: model.decode(mean).mean };
    const given = new Map<Variable, ArrayLike<number>>([[x, torch('x')]]);
    for (const [name, parameter] of model.namedParameters()) {
      given.set(parameter, named.get(name) as Float32Array);
    }
    const computed = evaluate(Object.values(outputs), given);
    Object.keys(outputs).forEach((name, i) => {
      torch(name).forEach((value, j) => {
        // Of float64 on both sides, stored as float32 there.
        expect(computed[i]?.data[j]).toBeCloseTo(value, 6);
      });
    });
  });

  test('under this library’s names needs no mapping', () => {
    const found = imported(file(OWN));
    for (const [name, shape] of Object.entries(OWN)) {
      expect(numbers(found, name)).toEqual(
        plain(
          name,
          shape.reduce((a, b) => a * b),
        ),
      );
    }
    expect(found.assumed).toEqual([
      '--shape 4',
      'encoder.activation=relu',
      'decoder.activation=relu',
      'likelihood.kind=bernoulli',
      'rows 2 to 3 of encoder.1 are log std (a log-variance goes to encoder.mean+logVar)',
    ]);
  });

  test('of a Sequential counts its activations, below any name, behind any wrapper', () => {
    const steps = (old: string) => old.replace(/\.1\./, '.2.').replace(/^(..coder)/, 'net.$1.seq');
    const shapes = renamed(OWN, steps);
    const rename = ['net.encoder.seq=encoder', 'net.decoder.seq=decoder'];
    const found = imported(file(shapes), { rename });
    expect(numbers(found, 'encoder.1.weight')).toEqual(plain('net.encoder.seq.2.weight', 12));
    const wrapped = renamed(shapes, (old) => `_orig_mod.module.${old}`);
    const again = imported(file(wrapped), { rename });
    expect(numbers(again, 'decoder.1.bias')).toEqual(
      plain('_orig_mod.module.net.decoder.seq.2.bias', 4),
    );
  });

  test('is told in JSON or in words, the longest name first', () => {
    const map = JSON.stringify({
      fc1: 'encoder.0',
      fc21: 'encoder.mean',
      fc22: 'encoder.logStd',
      fc3: 'decoder.0',
      'fc3.bias': null,
    });
    const found = imported(file(EXAMPLES), { map, rename: ['fc4.weight=decoder.1', 'fc4.bias='] });
    expect(found.dropped).toEqual(['fc3.bias', 'fc4.bias']);
    // Left out, so zeros.
    expect(numbers(found, 'decoder.0.bias')).toEqual([0, 0, 0]);
    expect(numbers(found, 'decoder.1.weight')).toEqual(plain('fc4.weight', 12));
    const zeros = found.mapped.filter(({ from }) => from === undefined).map(({ to }) => to);
    expect(zeros).toEqual(['decoder.0.bias', 'decoder.1.bias']);
  });

  const half = (values: number[]) => values.map((value) => value / 2);
  test.each([
    ['logVar', half],
    ['logStd', (values: number[]) => values],
  ])('with two heads, mean and %s', (name, scaled) => {
    const rename = RENAME.map((text) => text.replace('logVar', name));
    const found = imported(file(EXAMPLES), { rename });
    expect(numbers(found, 'encoder.1.weight')).toEqual([
      ...plain('fc21.weight', 6),
      ...scaled(plain('fc22.weight', 6)),
    ]);
    expect(numbers(found, 'encoder.1.bias')).toEqual([
      ...plain('fc21.bias', 2),
      ...scaled(plain('fc22.bias', 2)),
    ]);
  });

  test.each(['mean+logVar', 'logVar+mean'])('with one head, %s', (halves) => {
    const shapes = renamed(OWN, (old) => old.replace('encoder.1', 'head'));
    const found = imported(file(shapes), { rename: [`head=encoder.${halves}`] });
    const [first, second] = [
      plain('head.weight', 12).slice(0, 6),
      plain('head.weight', 12).slice(6),
    ];
    const expected = halves === 'mean+logVar' ? [first, half(second)] : [second, half(first)];
    expect(numbers(found, 'encoder.1.weight')).toEqual(expected.flat());
  });

  test('with weights [in, out], all or one', () => {
    const turned: Tensors = Object.fromEntries(
      Object.entries(OWN).map(([name, shape]) => [name, [...shape].reverse()]),
    );
    const found = imported(file(turned), { transpose: true });
    const columns = plain('encoder.0.weight', 12);
    expect(numbers(found, 'encoder.0.weight').slice(0, 4)).toEqual(
      [0, 3, 6, 9].map((i) => columns[i]),
    );
    const one = { ...OWN, 'encoder.0.weight': [4, 3] };
    const map = '{ "encoder.0": { "to": "encoder.0", "transpose": true } }';
    expect(numbers(imported(file(one), { map }), 'encoder.0.weight')).toEqual(
      numbers(found, 'encoder.0.weight'),
    );
  });

  test('of an autoencoder, a normal likelihood, grey levels', () => {
    const code = { ...OWN, 'encoder.1.weight': [2, 3], 'encoder.1.bias': [2] };
    expect(imported(file(code)).config.family).toBe('ae');
    const normal = imported(file({ ...OWN, log_sigma: [] }), {
      rename: ['log_sigma=likelihood.logVar'],
    });
    expect(normal.config.likelihood).toEqual({ kind: 'normal', sigma: 'shared' });
    expect(numbers(normal, 'likelihood.logStd')).toEqual(half(plain('log_sigma', 1)));
    const wide = { ...OWN, 'decoder.1.weight': [12, 3], 'decoder.1.bias': [12] };
    const levels = imported(file(wide), { set: ['likelihood.kind=categorical'] });
    expect(levels.config.likelihood).toEqual({ kind: 'categorical', levels: 3 });
    const pixel = { ...OWN, 'decoder.1.weight': [8, 3], 'decoder.1.bias': [8] };
    const deviations = imported(file(pixel), { set: ['likelihood.kind=normal'], family: 'iwae' });
    expect(deviations.config).toMatchObject({
      family: 'iwae',
      likelihood: { kind: 'normal', sigma: 'pixel' },
    });
  });

  test('of standardised data brings its buffers', () => {
    const shapes = { ...OWN, mu: [4], 'standardize.std': [4] };
    const rename = ['mu=standardize.mean'];
    const set = ['likelihood.kind=normal'];
    // Numbers that are a function of their name lie on both sides of zero.
    expect(() => imported(file(shapes), { rename, set })).toThrow('must be above 0');
    const tensors = readSafetensors(file(shapes)).tensors;
    const std = Float32Array.of(1, 2, 3, 4);
    const bytes = writeSafetensors(
      [...tensors].map(([name, { shape, data }]): [string, WritableTensor] => [
        name,
        { shape, data: name === 'standardize.std' ? std : (data as Float32Array) },
      ]),
    );
    const found = imported(bytes, { rename, set });
    expect(found.config.data.standardized).toBe(true);
    expect(found.standardization).toEqual({ mean: reals('mu', 4), std });
  });

  test.each([
    ['F16', Uint16Array.of(0x3e00)],
    ['BF16', Uint16Array.of(0x3fc0)],
    ['F64', Float64Array.of(1.5)],
    ['F8_E4M3', Uint8Array.of(0x3c)],
    ['F8_E5M2', Uint8Array.of(0x3e)],
  ])('of type %s is converted, and says so', (dtype, element) => {
    const found = imported(typed(dtype, OWN, element));
    expect(numbers(found, 'encoder.0.bias')).toEqual([1.5, 1.5, 1.5]);
    expect(new Set(found.mapped.map(({ how }) => how.join()))).toEqual(
      new Set([`${dtype} to F32`]),
    );
  });

  test('under the names and in the layout of Keras', () => {
    const shapes = { ...without(OWN, 'encoder.0.weight'), 'dense/kernel:0': [4, 3] };
    const map = '{ "dense/kernel:0": { "to": "encoder.0.weight", "transpose": true } }';
    const columns = plain('dense/kernel:0', 12);
    expect(numbers(imported(file(shapes), { map }), 'encoder.0.weight').slice(0, 4)).toEqual(
      [0, 3, 6, 9].map((i) => columns[i]),
    );
  });
});

describe('the command line', () => {
  let folder = '';
  const cli = (...args: string[]): Promise<Run> => perform(args, folder);
  const weights = join(FIXTURE, 'weights.safetensors');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latentgpu-import-'));
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true }));

  test('explains itself on one screen', async () => {
    const { code, stdout } = await cli('import', '--help');
    const lines = stdout.trimEnd().split('\n');
    expect([
      code,
      lines.length <= 32,
      Math.max(...lines.map(({ length }) => length)) <= 80,
    ]).toEqual([0, true, true]);
    expect(stdout).toContain('Example:\n  latentgpu import');
  });

  test('leaves a folder that other commands read, and guards it', async () => {
    const args = ['import', weights, '--shape', '4,3', '--out', 'model', '--rename', ...RENAME];
    const run = await cli(...args);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/^fc22\.bias +\[3\] +encoder\.1\.bias +rows 3 to 5: log std/m);
    expect(run.stdout).toContain('model: vae, [4, 3] -> 3 -> bernoulli, 263 numbers');
    expect(run.stderr).toMatch(/^latentgpu: assumed, .*likelihood\.kind=bernoulli\n$/);
    expect(await readdir(join(folder, 'model'))).toEqual(['model.json', 'weights.safetensors']);
    const { extra, config } = await readModelFolder(join(folder, 'model'));
    expect([extra, config.latent]).toEqual([[], 3]);

    const again = await cli(...args);
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toContain('already holds a model');
    await writeFile(join(folder, 'model/metrics.jsonl'), '{}\n');
    // The model's own file describes it as well.
    await writeFile(
      join(folder, 'map.json'),
      JSON.stringify(Object.fromEntries(RENAME.map((t) => t.split('=')))),
    );
    await writeFile(
      join(folder, 'described.json'),
      await readFile(join(folder, 'model/model.json')),
    );
    const forced = await cli(
      ...['import', weights, '--config', 'described.json', '--map', 'map.json', '--out', 'model'],
      ...['--force', '--json'],
    );
    expect(forced).toMatchObject({ code: 0, stderr: '' });
    const result = JSON.parse(forced.stdout);
    expect(result).toMatchObject({ folder: 'model', parameters: 263, dropped: [], assumed: [] });
    expect(result.mapped).toHaveLength(10);
    // What was there told of another model.
    expect(await readdir(join(folder, 'model'))).toEqual(['model.json', 'weights.safetensors']);
  });

  test('tells what is no safetensors file, and inspect does', async () => {
    await writeFile(join(folder, 'net.h5'), '\x89HDF\r\n and more', 'latin1');
    for (const args of [
      ['inspect', 'net.h5'],
      ['import', 'net.h5', '--out', 'fresh'],
    ]) {
      const { code, stderr } = await cli(...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining('net.h5: is an HDF5 file')]);
    }
  });

  test.each([
    ['a missing file', ['no.safetensors'], 'no such file: no.safetensors'],
    ['a missing map', [weights, '--map', 'no.json'], 'no such file: no.json'],
    ['no mapping', [weights], 'have no place'],
    [
      'a name twice',
      [weights, '--rename', 'fc1=encoder.0', 'fc1=decoder.0'],
      "'fc1' is named twice",
    ],
    ['a shape', [weights, '--shape', '4,,3'], 'height,width'],
    ['a training key', [weights, '--set', 'batch=3'], "unknown key 'batch'"],
  ])('refuses %s and writes nothing', async (_, args, why) => {
    const run = await cli('import', ...args, '--out', 'fresh');
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toMatch(/^latentgpu: [^\n]*\n$/);
    expect(run.stderr).toContain(why);
    expect(await readdir(folder)).not.toContain('fresh');
  });
});
