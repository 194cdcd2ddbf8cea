// Exported files, run by ONNX Runtime, against the model's own numbers.
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adapterLine, type Device, openDevice } from '../src/device/index.ts';
import { type Categorical, Normal } from '../src/distributions/index.ts';
import { OnnxGraph } from '../src/formats/onnx/graph.ts';
import { decodeModel } from '../src/formats/onnx/proto.ts';
import { readSafetensors } from '../src/formats/safetensors.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { input, type Variable } from '../src/graph/variable.ts';
import { type OnnxPart, type OnnxSource, onnxFile } from '../src/interchange/onnx/index.ts';
import {
  Autoencoder,
  buildModel,
  type CodedConfig,
  giveWeights,
  Inference,
  type LikelihoodConfig,
  type ModelConfig,
  type Vae,
} from '../src/models/index.ts';
import { type Activation, activations, evaluate, expand } from '../src/ops/index.ts';
import { Runtime } from '../src/scheduler/index.ts';
import { readModelFolder } from '../src/training/model-folder.node.ts';
import { ROOT, type Run } from './support/cli.ts';
import { reals } from './support/engine.ts';
import { perform } from './support/perform.ts';

// Threads of its own would outlive the tests.
ort.env.wasm.numThreads = 1;

const PARTS: readonly OnnxPart[] = ['encoder', 'decoder', 'autoencoder'];
const TOLERANCE = 1e-5;

type Arrays = Record<string, ArrayLike<number>>;

interface Case {
  family?: string;
  likelihood?: LikelihoodConfig;
  activation?: Activation;
  hidden?: number[];
  latent?: number;
  shape?: number[];
  standardized?: boolean;
  /** Of the weights, in deviations of the usual. */
  scale?: number;
}

/** What a file is made from, of models whose graphs the reference knows. */
type Source = OnnxSource & { readonly model: Vae | Autoencoder };

/** A model with parameters large enough to reach the bends of its activations. */
function source({
  family = 'vae',
  likelihood = { kind: 'bernoulli' },
  activation = 'relu',
  hidden = [13],
  latent = 3,
  shape = [5, 3],
  standardized = false,
  scale = 2,
}: Case): Source {
  const objective =
    family === 'iwae'
      ? ({ bound: 'iwae', samples: 5 } as const)
      : ({ bound: 'elbo', samples: 1, kl: 'analytic', beta: 1 } as const);
  const config: ModelConfig & CodedConfig = {
    family,
    data: { shape, ...(standardized && { standardized }) },
    encoder: { hidden, activation },
    latent,
    decoder: { hidden: [...hidden].reverse(), activation },
    likelihood,
    ...(family !== 'ae' && { objective }),
    init: 'torch',
  };
  const model = buildModel(config) as Vae | Autoencoder;
  const weights = new Map<Variable, Float32Array>();
  for (const [name, parameter] of model.namedParameters()) {
    const bound = scale / Math.sqrt(parameter.shape.at(-1) as number);
    weights.set(parameter, reals(name, parameter.size, -bound, bound));
  }
  const { features } = model;
  const standardization = standardized
    ? { mean: reals('mean', features, -3, 3), std: reals('std', features, 0.1, 4) }
    : undefined;
  return { config, model, weights, standardization };
}

/** What ONNX Runtime computes from each batch of rows of the one input; shapes are as declared. */
async function runOnnx(
  bytes: Uint8Array,
  batches: readonly { readonly rows: number; readonly data: Float32Array }[],
): Promise<Arrays[]> {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const results: Arrays[] = [];
  for (const { rows, data } of batches) {
    const extents = (meta: ort.InferenceSession.ValueMetadata | undefined) =>
      meta?.isTensor ? meta.shape.map((n) => (n === 'batch' ? rows : Number(n))) : [];
    const [name] = session.inputNames as [string];
    const fed = new ort.Tensor('float32', data, extents(session.inputMetadata[0]));
    const fetched = await session.run({ [name]: fed });
    const result: Arrays = {};
    session.outputNames.forEach((output, i) => {
      const tensor = fetched[output] as ort.Tensor;
      expect(tensor.dims, output).toEqual(extents(session.outputMetadata[i]));
      result[output] = tensor.data as Float32Array;
    });
    results.push(result);
  }
  await session.release();
  return results;
}

/** The same in float64, by the references of the model's ops. */
function reference(
  { model, weights, standardization: s }: Source,
  part: OnnxPart,
  rows: number,
  data: Float32Array,
): Arrays {
  const { features } = model;
  const scale = (i: number) => s?.std[i % features] ?? 1;
  const shift = (i: number) => s?.mean[i % features] ?? 0;
  const fed = input('fed', [rows, part === 'decoder' ? Number(model.config.latent) : features]);
  const own = part === 'decoder' ? data : data.map((x, i) => (x - shift(i)) / scale(i));
  const graph: Record<string, Tensor> = {};
  if (part !== 'decoder') {
    if (model instanceof Autoencoder) graph.mean = model.code(fed);
    else {
      const { mean, logStd } = model.posterior({ x: fed });
      Object.assign(graph, { mean, logStd });
    }
  }
  const main = part === 'decoder' ? 'x' : 'reconstruction';
  if (part !== 'encoder') {
    const px = model.decode(graph.mean ?? fed);
    graph[main] = px.mean;
    if (px instanceof Normal) graph.std = expand(px.std, px.mean.shape);
    else graph.logits = (px as Categorical).logits;
  }
  const values = evaluate(
    Object.values(graph),
    new Map<Tensor, ArrayLike<number>>(weights).set(fed, own),
  );
  return Object.fromEntries(
    Object.keys(graph).map((name, i) => {
      const found = Array.from(values[i]?.data ?? []);
      if (name === main) return [name, found.map((x, j) => x * scale(j) + shift(j))];
      return [name, name === 'std' ? found.map((x, j) => x * scale(j)) : found];
    }),
  );
}

/** The largest difference; relative to the largest number, if that is above 1 and is allowed to count. */
function distance(got: ArrayLike<number>, wanted: ArrayLike<number>, isRelative: boolean): number {
  expect(got.length).toBe(wanted.length);
  // Math.max keeps a NaN.
  const largest = (of: (value: number, i: number) => number) =>
    Array.from(wanted).reduce((most, value, i) => Math.max(most, Math.abs(of(value, i))), 0);
  const off = largest((value, i) => (got[i] as number) - value);
  return isRelative
    ? off /
        Math.max(
          1,
          largest((value) => value),
        )
    : off;
}

function close(got: Arrays, wanted: Arrays, what: string, isRelative = false): void {
  expect(Object.keys(got).sort(), what).toEqual(Object.keys(wanted).sort());
  for (const [name, values] of Object.entries(wanted)) {
    const off = distance(got[name] as ArrayLike<number>, values, isRelative);
    expect(off, `${what}: ${name}`).toBeLessThan(TOLERANCE);
  }
}

/** Every part, for one row and for several, computes what the model does. */
async function agrees(one: Case, parts = PARTS): Promise<void> {
  const from = source(one);
  for (const part of parts) {
    const { bytes } = onnxFile(from, part, '0.0.0');
    const width = part === 'decoder' ? Number(from.model.config.latent) : from.model.features;
    const batches = [1, 7].map((rows) => ({ rows, data: reals(`fed ${rows}`, rows * width) }));
    const got = await runOnnx(bytes, batches);
    batches.forEach(({ rows, data }, i) => {
      const isLarge = one.scale !== undefined;
      close(got[i] as Arrays, reference(from, part, rows, data), `${part}, ${rows} rows`, isLarge);
    });
  }
}

const LIKELIHOODS: LikelihoodConfig[] = [
  { kind: 'bernoulli' },
  { kind: 'normal', sigma: 'fixed', std: 0.3 },
  { kind: 'normal', sigma: 'shared' },
  { kind: 'normal', sigma: 'pixel' },
  { kind: 'categorical', levels: 5 },
];
const FAMILIES: string[] = ['vae', 'iwae', 'ae'];

describe('ONNX Runtime computes what the model does', () => {
  describe.each(FAMILIES)('%s', (family) => {
    test.each(LIKELIHOODS)('%j', (likelihood) => agrees({ family, likelihood }));
  });

  test.each(LIKELIHOODS.filter(({ kind }) => kind === 'normal'))(
    'on standardised data, %j',
    (likelihood) => agrees({ likelihood, standardized: true }),
  );

  describe.each(Object.keys(activations) as Activation[])('%s', (activation) => {
    test.each([{ hidden: [] }, { hidden: [13] }, { hidden: [17, 9] }])('$hidden', ({ hidden }) =>
      agrees({ activation, hidden }, ['autoencoder']),
    );
    // Beyond the overflow of e^x, and where nothing but a zero is left of e^-x.
    test('of large numbers', () => agrees({ activation, scale: 300 }, ['autoencoder']));
  });

  test.each([{ shape: [7] }, { shape: [1, 1] }, { shape: [3, 2, 3] }])('$shape', ({ shape }) =>
    agrees({ shape, latent: 1, likelihood: { kind: 'normal', sigma: 'pixel' } }),
  );
});

describe('a file', () => {
  const model = decodeModel(
    onnxFile(
      source({ standardized: true, likelihood: { kind: 'normal', sigma: 'pixel' } }),
      'autoencoder',
      '1.2.3',
    ).bytes,
  );

  test('says what it is', () => {
    expect(model).toMatchObject({
      ir_version: 8,
      producer_name: 'latentgpu',
      producer_version: '1.2.3',
      opset_import: [{ domain: '', version: 15 }],
    });
    const props = Object.fromEntries(model.metadata_props.map(({ key, value }) => [key, value]));
    expect(props).toEqual({
      latentgpu_version: '1.2.3',
      part: 'autoencoder',
      family: 'vae',
      data_shape: '[5,3]',
      data_standardized: 'true',
      latent: '3',
      likelihood: '{"kind":"normal","sigma":"pixel"}',
    });
    const shapes = [...model.graph.input, ...model.graph.output].map(({ name, type }) => {
      const dims = type.tensor_type.shape.dim;
      return [name, ...dims.map((dim) => ('dim_param' in dim ? dim.dim_param : dim.dim_value))];
    });
    expect(shapes).toEqual([
      ['x', 'batch', 5, 3],
      ['mean', 'batch', 3],
      ['logStd', 'batch', 3],
      ['reconstruction', 'batch', 5, 3],
      ['std', 'batch', 5, 3],
    ]);
  });

  test('holds the weights as PyTorch has them', () => {
    const { weights } = source({});
    for (const [{ name, shape }, data] of weights) {
      if (name.startsWith('decoder')) continue;
      const found = model.graph.initializer.find((tensor) => tensor.name === name);
      expect(found?.dims, name).toEqual(shape);
      const numbers = new Float32Array(Uint8Array.from(found?.raw_data ?? []).buffer);
      expect(numbers, name).toEqual(data);
    }
  });

  test('names every value once, before it is used', () => {
    const { graph } = model;
    const known = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
    expect(known.size).toBe(graph.input.length + graph.initializer.length);
    for (const node of graph.node) {
      for (const name of node.input) expect(known, node.name).toContain(name);
      for (const name of node.output) {
        expect(known, node.name).not.toContain(name);
        known.add(name);
      }
    }
    for (const { name } of graph.output) expect(known).toContain(name);
  });

  test('has attributes that are 0, which are not the same as none', () => {
    const graph = new OnnxGraph();
    graph.node('y', 'Softmax', ['x'], { axis: 0 });
    const info = { name: 'g', version: '', description: '', metadata: {} };
    const [node] = decodeModel(graph.encode(info)).graph.node;
    expect(node?.attribute).toEqual([{ name: 'axis', type: 2, i: 0 }]);
  });

  test('has attributes that are lists', () => {
    const graph = new OnnxGraph();
    graph.node('y', 'ReduceMax', ['x'], { axes: [0, 2] });
    const info = { name: 'g', version: '', description: '', metadata: {} };
    const [node] = decodeModel(graph.encode(info)).graph.node;
    expect(node?.attribute).toEqual([{ name: 'axes', type: 7, ints: [0, 2] }]);
  });

  test('of more than 2 GiB is refused before it is made', () => {
    const graph = new OnnxGraph();
    graph.tensor('small', [1], Float32Array.of(1));
    // A size without the memory.
    const large = { byteLength: 2 ** 31 } as Float32Array;
    expect(() => graph.tensor('large', [2 ** 29], large)).toThrow(
      expect.objectContaining({ code: 'limit-exceeded', message: expect.stringMatching('--part') }),
    );
  });
});

describe('the command line', () => {
  const fixture = join(ROOT, 'tests/fixtures/torch-vae');
  let folder = '';
  let device: Device;
  const cli = (...args: string[]): Promise<Run> => perform(['export', ...args], folder);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latentgpu-onnx-'));
    device = await openDevice();
    console.log(`adapter: ${adapterLine(device.adapter)}`);
  }, 60_000);
  afterAll(async () => {
    device?.destroy();
    await rm(folder, { recursive: true });
  });

  test('writes three files that compute what the engine and PyTorch do', async () => {
    const run = await cli(fixture, '--to', 'onnx', '--out', 'f.onnx', '--json');
    expect(run.stderr).toBe('');
    const { files } = JSON.parse(run.stdout) as { files: { file: string; part: string }[] };
    expect(files.map(({ file, part }) => [file, part])).toEqual([
      ['f.onnx', 'autoencoder'],
      ['f.encoder.onnx', 'encoder'],
      ['f.decoder.onnx', 'decoder'],
    ]);
    const { tensors } = readSafetensors(await readFile(join(fixture, 'forward.safetensors')));
    const torch = (name: string) => tensors.get(name)?.data as Float32Array;
    const given = (file: string, data: Float32Array) =>
      readFile(join(folder, file)).then(async (bytes) => {
        const [result] = await runOnnx(bytes, [{ rows: 4, data }]);
        return result as Arrays;
      });
    const encoded = await given('f.encoder.onnx', torch('x'));
    const decoded = await given('f.decoder.onnx', torch('z'));
    close(encoded, { mean: torch('mean'), logStd: torch('logStd') }, 'PyTorch');
    const odds = torch('logits').map((logit) => 1 / (1 + Math.exp(-logit)));
    close(decoded, { logits: torch('logits'), x: odds }, 'PyTorch');

    const { model, weights } = await readModelFolder(fixture);
    const runtime = new Runtime(device);
    giveWeights(runtime, weights);
    const inference = new Inference(runtime, model);
    const { mean, logStd } = await inference.encode(torch('x'), 4);
    close(encoded, { mean, logStd: logStd as Float32Array }, 'engine');
    const x = await inference.decode(torch('z'), 4);
    close(decoded, { x, logits: decoded.logits as Float32Array }, 'engine');
    const reconstruction = await inference.reconstruct(torch('x'), 4);
    await inference.destroy();
    runtime.destroy();
    const both = await given('f.onnx', torch('x'));
    expect(Object.keys(both)).toEqual(['mean', 'logStd', 'reconstruction', 'logits']);
    close({ x: both.reconstruction as Float32Array }, { x: reconstruction }, 'engine');
  });

  test('explains itself on one screen', async () => {
    const { code, stdout } = await cli('--help');
    const lines = stdout.trimEnd().split('\n');
    expect([
      code,
      lines.length <= 32,
      Math.max(...lines.map(({ length }) => length)) <= 80,
    ]).toEqual([0, true, true]);
    expect(stdout).toContain('Example:\n  latentgpu export');
  });

  test('writes one part where it is told', async () => {
    const run = await cli(fixture, '--part', 'decoder', '--out', 'only.onnx');
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toBe(
      'only.onnx  z [batch, 8] -> x [batch, 28, 28], logits [batch, 28, 28]\n',
    );
    expect((await readdir(folder)).filter((name) => name.startsWith('only'))).toEqual([
      'only.onnx',
    ]);
  });

  test.each([
    ['an unknown format', [fixture, '--to', 'keras', '--out', 'g.onnx'], 'choices are onnx'],
    ['another extension', [fixture, '--out', 'g.bin'], 'ends in .onnx'],
    ['no name before it', [fixture, '--out', '.onnx'], 'ends in .onnx'],
    ['a folder that is not there', [fixture, '--out', 'no/g.onnx'], 'there is no folder no'],
    ['a folder beside it', [fixture, '--out', 'h.onnx'], 'h.decoder.onnx: this is a folder'],
    ['no model', ['.', '--out', 'g.onnx'], 'holds no model.json'],
  ])('refuses %s', async (_, args, why) => {
    await mkdir(join(folder, 'h.decoder.onnx'), { recursive: true });
    const before = await readdir(folder);
    const run = await cli(...args);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toMatch(/^latentgpu: [^\n]*\n$/);
    expect(run.stderr).toContain(why);
    expect(await readdir(folder)).toEqual(before);
  });
});
