/** Every family's loss as a program for PyTorch: the numbers, gradients included, are the engine's. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digits } from '../src/data/digits.ts';
import { writeNpy } from '../src/formats/npy.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { topological } from '../src/graph/traverse.ts';
import { input, isVariable } from '../src/graph/variable.ts';
import { ownWeights } from '../src/interchange/own-weights.ts';
import { torchFile } from '../src/interchange/torch/index.ts';
import { lossOf } from '../src/interchange/torch/loss.ts';
import type { Model } from '../src/models/index.ts';
import { learning } from '../src/nn/index.ts';
import { evaluate, gradient, seed, step } from '../src/ops/index.ts';
import { boxMuller, Random } from '../src/random.ts';
import { LINES } from './families/lines.ts';
import { reals } from './support/engine.ts';
import { CASES as FAMILIES, type FamilyCase, sourceOf } from './support/every-family.ts';
import { pythonWithTorch } from './support/python.ts';

const ROWS = 5;
/** Every family, and one of ops that none of them has, on data of which many are equal. */
const CASES = [...FAMILIES, { family: LINES.name, shape: [6], isContinuous: false }];
const ROWS_TRAINED = 200;

interface Wanted {
  readonly terms: readonly (readonly [string, number])[];
  readonly gradients: ReadonlyMap<string, ArrayLike<number>>;
  readonly left: readonly ArrayLike<number>[];
}

interface Found {
  readonly error?: string;
  readonly terms: Readonly<Record<string, readonly number[]>>;
  readonly gradients: Readonly<Record<string, readonly number[] | null>>;
  readonly left: readonly (readonly number[])[];
  readonly fresh: readonly number[];
}

const snake = (name: string) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();

/** The job of a case for Python, and what float64 references make of the same numbers. */
function prepare(one: FamilyCase, file: string): { job: object; wanted: Wanted } {
  const { config, model, weights, buffers } = sourceOf(one);
  const exported = torchFile({ config, model, ...(buffers && { buffers }) }, '0.0.0');
  writeFileSync(file, exported.text);
  const classes = one.classNames?.length ?? 1;
  const isUnit = one.isContinuous === false;
  const data = reals('data', ROWS * model.features, isUnit ? 0 : -1, 1);
  const x = isUnit
    ? data.map((value) =>
        one.levels ? Math.floor(value * one.levels) / (one.levels - 1) : +(value > 0.5),
      )
    : data;
  const labels = Array.from({ length: ROWS }, (_, i) => (i * 2) % classes);
  const fed = {
    x: input('x', [ROWS, model.features]),
    labels: input('labels', [ROWS], 'u32'),
    epoch: input('epoch', []),
  };
  const [epoch, at] = [0.75, 3];
  const { loss, surrogate, metrics = {}, effects = [] } = learning(() => lossOf(model, fed)).made;
  const lowers = surrogate ?? loss;
  const named: [string, Tensor][] = [
    ['loss', loss],
    ...(lowers === loss ? [] : [['surrogate', lowers] as [string, Tensor]]),
    ...Object.entries(metrics).map(([name, of]): [string, Tensor] => [snake(name), of]),
  ];
  const left = effects.map((effect) => effect.inputs[0] as Tensor);
  const parameters = model.namedParameters();
  const slopes = gradient(
    lowers,
    parameters.map(([, p]) => p),
  );
  const roots = [...named.map(([, of]) => of), ...left, ...slopes];
  const values = new Map<Tensor, ArrayLike<number>>([
    ...weights,
    ...(buffers ?? []),
    [fed.x, x],
    [fed.labels, labels],
    [fed.epoch, [epoch]],
    [step, [at]],
    [seed, [0, 0]],
  ]);
  const draws = [...exported.text.matchAll(/noise\.(\w+)\("(\w+)"/g)].map(
    ([, kind, name]) => [kind, name] as const,
  );
  const noise: Record<string, number[]> = {};
  for (const node of topological(roots)) {
    if (isVariable(node) && !values.has(node) && node.init)
      values.set(node, node.init(node.shape, Math.random));
    if (node.op.kind !== 'noise') continue;
    const [kind, name] = draws.shift() ?? [];
    expect(kind).toBe(node.op.name);
    const own = reals(
      `noise ${name}`,
      node.size,
      node.op.name === 'uniform' ? 0.01 : -1.5,
      node.op.name === 'uniform' ? 0.99 : 1.5,
    );
    values.set(node, own);
    noise[name as string] = Array.from(own);
  }
  const results = evaluate(roots, values).map(({ data }) => data);
  const state = [...parameters, ...model.namedBuffers()];
  const all = new Map([...weights, ...(buffers ?? [])]);
  return {
    job: {
      file,
      rows: ROWS,
      x: Array.from(x),
      labels,
      epoch,
      step: at,
      noise,
      names: exported.tensors,
      values: Object.fromEntries(
        state.map(([name, v]) => [name, Array.from(all.get(v) as ArrayLike<number>)]),
      ),
    },
    wanted: {
      terms: named.map(([name], i) => [name, results[i]?.[0] as number]),
      left: results.slice(named.length, named.length + left.length),
      gradients: new Map(
        parameters.map(([name], i) => [
          name,
          results[named.length + left.length + i] as Float64Array,
        ]),
      ),
    },
  };
}

/** Of the largest number, in float64 and of numbers that were written as decimals. */
function off(found: ArrayLike<number>, exact: ArrayLike<number>): number {
  const pairs = Array.from(exact, (value, i) => Math.abs(value - (found[i] as number)));
  expect(found.length).toBe(exact.length);
  const scale = Math.max(1, ...Array.from(exact, Math.abs));
  const most = pairs.reduce((most, value) => (value <= most ? most : value), 0);
  return most / scale;
}

const folder = mkdtempSync(join(tmpdir(), 'latentgpu-torch-'));
const prepared: (Wanted | Error)[] = [];
let found: Found[] = [];

// Debian's PyTorch brings a hundred packages: minutes to fetch where there are none.
beforeAll(() => {
  pythonWithTorch();
}, 1_800_000);

beforeAll(() => {
  const jobs: object[] = [];
  for (const [i, one] of CASES.entries()) {
    try {
      const { job, wanted } = prepare(one, join(folder, `model${i}.py`));
      jobs.push(job);
      prepared.push(wanted);
    } catch (error) {
      jobs.push({});
      prepared.push(error as Error);
    }
  }
  const path = join(folder, 'jobs.json');
  writeFileSync(path, JSON.stringify(jobs));
  const script = join(import.meta.dirname, 'support', 'torch_terms.py');
  const told = execFileSync(pythonWithTorch(), [script, path], {
    maxBuffer: 2 ** 28,
    encoding: 'utf8',
  });
  found = JSON.parse(told);
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(CASES.map((one, i) => ({ ...one, i })))('$family $set', ({ i }) => {
  test('loss, gradients and what a step leaves behind', () => {
    const exact = prepared[i] as Wanted | Error;
    if (exact instanceof Error) throw exact;
    const own = found[i] as Found;
    expect(own.error).toBeUndefined();
    expect(Object.keys(own.terms)).toEqual(exact.terms.map(([name]) => name));
    for (const [name, value] of exact.terms)
      expect(off(own.terms[name] as number[], [value]), name).toBeLessThan(1e-9);
    expect(own.left.length).toBe(exact.left.length);
    for (const [k, value] of exact.left.entries()) {
      expect(off(own.left[k] as number[], value)).toBeLessThan(1e-9);
    }
    for (const [name, value] of exact.gradients) {
      const given = own.gradients[name] ?? new Array(value.length).fill(0);
      expect(off(given, value), name).toBeLessThan(1e-7);
    }
    expect(Number.isFinite(own.fresh[0])).toBe(true);
  });
});

describe('the program', () => {
  const at = (name: string) => join(folder, name);
  const { train } = digitsOf(ROWS_TRAINED);

  /** Runs it as torchrun would, with so many processes. */
  async function trains(processes: number, out: string, ...more: string[]): Promise<string> {
    const port = String(await freePort());
    const args = [at('vae.py'), '--data', at('train.npy'), '--out', at(out), ...more];
    const runs = Array.from({ length: processes }, (_, rank) => {
      const env = {
        ...process.env,
        OMP_NUM_THREADS: '1',
        ...(processes > 1 && {
          RANK: String(rank),
          WORLD_SIZE: String(processes),
          MASTER_ADDR: '127.0.0.1',
          MASTER_PORT: port,
        }),
      };
      // One that hangs is stopped before the test is, and told by its arguments.
      return promisify(execFile)(pythonWithTorch(), args, { env, timeout: 200_000 });
    });
    return (await Promise.all(runs)).map(({ stdout }) => stdout).join('');
  }

  const { config, model } = sourceOf({
    family: 'vae',
    set: ['latent=4', 'encoder.hidden=32', 'decoder.hidden=32'],
    shape: [28, 28],
    isContinuous: false,
  });

  beforeAll(() => {
    const training = { batch: 10, epochs: 6, 'optimizer.lr': 3e-3, binarize: 'static' };
    writeFileSync(at('vae.py'), torchFile({ config, model, training }, '0.0.0').text);
    writeFileSync(at('train.npy'), writeNpy(train, [ROWS_TRAINED, 28, 28]));
  });

  const lossIn = (text: string) => Number(/(?:.|\n)*test loss ([\d.]+)/.exec(text)?.[1]);

  test('trains by two processes as by one, and comes back by its own names', async () => {
    const test = ['--test', at('train.npy')];
    const [one, two] = await Promise.all([
      trains(1, "one's own.safetensors", ...test),
      trains(2, 'two.safetensors', ...test),
    ]);
    expect(one).toContain(`import '${at("one'\"'\"'s own.safetensors")}' --out DIR`);
    // Batches are the same; noise is not.
    expect(lossIn(one)).toBeLessThan(250);
    expect(Math.abs(lossIn(two) / lossIn(one) - 1)).toBeLessThan(0.03);
    const own = ownWeights(readFileSync(at('two.safetensors')), 'two.safetensors');
    expect(own?.config).toEqual(config);
    expect(own?.extra).toEqual([]);
    const x = input('x', [ROWS_TRAINED, 784]);
    const { loss } = lossOf(own?.model as Model, { x });
    const noise = topological([loss]).find(({ op }) => op.kind === 'noise') as Tensor;
    const values = new Map<Tensor, ArrayLike<number>>([
      ...(own?.values ?? []),
      [x, Float32Array.from(train, (grey) => +(grey >= 0.5))],
      [noise, normals(noise.size)],
      [seed, [0, 0]],
      [step, [0]],
    ]);
    const exact = evaluate([loss], values)[0]?.data[0] as number;
    expect(Math.abs(exact / lossIn(two) - 1)).toBeLessThan(0.01);
  }, 300_000);

  test('goes on where it stopped, in mixed precision, to the same bytes; refuses in a line', async () => {
    const some = ['--batch', '50', '--amp', 'bf16', '--binarize', 'resampled'];
    const kept = [...some, '--checkpoint', at('last.pt')];
    const [, whole] = await Promise.all([
      trains(1, 'parts.safetensors', ...kept, '--epochs', '1'),
      trains(1, 'whole.safetensors', ...some, '--epochs', '2'),
    ]);
    const [part] = await Promise.all([
      trains(1, 'parts.safetensors', ...kept, '--epochs', '2'),
      refuses('--amp fp16 needs a GPU', '--amp', 'fp16'),
      refuses('is no checkpoint that can be read', '--checkpoint', at('train.npy')),
      refuses('there is no folder', '--out', at('none/w.safetensors')),
      refuses('there is no folder', '--checkpoint', at('none/last.pt')),
      refuses('No such file', '--data', at('none.npy')),
    ]);
    expect(part).toContain('goes on after epoch 1');
    expect(part).toContain(/epoch 2\/2 {2}loss [\d.]+/.exec(whole)?.[0]);
    const [one, two] = ['whole', 'parts'].map((name) => readFileSync(at(`${name}.safetensors`)));
    expect(one?.equals(two as Buffer)).toBe(true);
  }, 300_000);

  /** On a machine whose GPU nobody sees. */
  async function refuses(why: string, ...more: string[]): Promise<void> {
    const args = [at('vae.py'), '--data', at('train.npy'), '--out', at('no'), ...more];
    const env = { ...process.env, CUDA_VISIBLE_DEVICES: '' };
    const failed = await promisify(execFile)(pythonWithTorch(), args, { env }).catch((e) => e);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain(why);
    expect(failed.stderr.trim().split('\n').length).toBe(1);
  }
});

/** One that nobody listens on: the system's own choice, given back at once. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function digitsOf(count: number) {
  const { data } = digits({ count });
  return {
    train: Float32Array.from(data, (byte) => byte / (data instanceof Uint8Array ? 255 : 1)),
  };
}

function normals(count: number): Float32Array {
  const random = new Random(1, 0, 0);
  return Float32Array.from({ length: count }, () => boxMuller(() => random.uniform(), 1));
}
