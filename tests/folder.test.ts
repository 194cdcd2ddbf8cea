import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isLatentGpuError } from '../src/errors.ts';
import { readSafetensors, writeSafetensors } from '../src/formats/safetensors.ts';
import {
  buildModel,
  type ModelConfig,
  modelJson,
  readModelJson,
  readWeights,
  unpackParameters,
  writeWeights,
} from '../src/models/index.ts';
import { mean } from '../src/ops/index.ts';
import { minimize, sgd } from '../src/optim/index.ts';
import {
  assignments,
  type Checkpoint,
  readCheckpoint,
  runConfig,
  settleRun,
  writeCheckpoint,
} from '../src/training/index.ts';
import { readModelFolder, readRecord } from '../src/training/model-folder.node.ts';
import { checkOutput } from '../src/training/output.node.ts';
import type { TrainingRecord } from '../src/training/record.ts';
import { RunFolder } from '../src/training/run-folder.node.ts';

/** The example that the format is described with. */
const EXAMPLE = `{ "format": 1, "family": "vae", "data": { "shape": [28, 28] },
  "encoder": { "hidden": [300], "activation": "relu" }, "latent": 20,
  "decoder": { "hidden": [300], "activation": "relu" }, "likelihood": { "kind": "bernoulli" } }`;

let folder = '';
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-folder-'));
});
afterAll(() => rm(folder, { recursive: true }));
/** A path of its own. */
const place = () => join(folder, String(count++));

function config(texts: string[] = [], family: string = 'vae', shape = [4, 3]): ModelConfig {
  const small = ['encoder.hidden=5', 'decoder.hidden=6', 'latent=2'];
  const values = settleRun(family, [assignments(family, [...small, ...texts])]);
  return runConfig(family, { shape, name: 'test' }, values).model;
}

async function refusal(f: () => unknown): Promise<string> {
  try {
    await f();
  } catch (error) {
    expect(isLatentGpuError(error), `${error}`).toBe(true);
    const { message } = error as Error;
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('was not refused');
}

/** Numbers in every parameter of a model. */
function someWeights(model: ReturnType<typeof buildModel>) {
  return new Map(
    model
      .namedParameters()
      .map(
        ([, p], k) => [p, Float32Array.from({ length: p.size }, (_, i) => k + i / 1000)] as const,
      ),
  );
}

describe('model.json', () => {
  test('as in its description', () => {
    const { config, extra } = readModelJson(EXAMPLE);
    expect(extra).toEqual([]);
    expect(config).toEqual({
      family: 'vae',
      data: { shape: [28, 28] },
      encoder: { kind: 'mlp', hidden: [300], activation: 'relu', norm: 'none' },
      latent: 20,
      decoder: { kind: 'mlp', hidden: [300], activation: 'relu', norm: 'none', receptive: null },
      likelihood: { kind: 'bernoulli' },
      code: { kind: 'normal' },
      posterior: { kind: 'normal' },
      prior: { kind: 'normal' },
      objective: {
        bound: 'elbo',
        estimator: 'reparameterized',
        samples: 1,
        kl: 'analytic',
        constraint: 'none',
        beta: 1,
        anneal: 'none',
        freeBits: 0,
        freeBitsBy: 'dimension',
        totalCorrelation: 0,
        discrepancy: 0,
      },
      init: 'torch',
    });
  });

  test.each<[string, string[]]>([
    ['vae', []],
    ['vae', ['likelihood.kind=normal', 'likelihood.sigma=fixed', 'likelihood.std=0.5']],
    ['vae', ['likelihood.kind=categorical', 'likelihood.levels=8', 'objective.beta=4']],
    ['iwae', ['objective.samples=7', 'init=glorot']],
    ['ae', ['encoder.hidden=3,4', 'decoder.activation=tanh']],
  ])('what is written is read: %s %j', (family, texts) => {
    const written = config(texts, family);
    const { config: read, extra } = readModelJson(modelJson(written, '1.2.3'));
    expect(read).toEqual(written);
    expect(extra).toEqual([]);
  });

  test('is laid out for people', () => {
    const text = modelJson(config());
    expect(text).toContain('"shape": [4, 3]');
    expect(text).toMatch(/^{\n {2}"format": 2,\n {2}"family": "vae"/);
    expect(text.endsWith('}\n')).toBe(true);
  });

  test('reports what it does not know', () => {
    const object = JSON.parse(EXAMPLE);
    const { extra } = readModelJson(
      JSON.stringify({
        ...object,
        author: 'me',
        encoder: { ...object.encoder, dropout: 0.1 },
        data: { ...object.data, mean: 0.13 },
        likelihood: { kind: 'bernoulli', std: 2 },
      }),
    );
    expect(extra.sort()).toEqual(['author', 'data.mean', 'encoder.dropout', 'likelihood.std']);
  });

  test.each<[string, (o: Record<string, unknown>) => unknown, string]>([
    ['no object', () => [1], 'm.json: not a JSON object'],
    ['no format', ({ format: _, ...o }) => o, "'format' is missing"],
    [
      'another format',
      (o) => ({ ...o, format: 3 }),
      'format is 3; this version reads formats 1 and 2',
    ],
    ['no family', ({ family: _, ...o }) => o, "'family' is missing"],
    ['another family', (o) => ({ ...o, family: 'gan' }), '"gan"; it must be one of vae, iwae, ae'],
    ['no latent', ({ latent: _, ...o }) => o, "'latent' is missing"],
    ['no encoder', ({ encoder: _, ...o }) => o, "'encoder.hidden' is missing"],
    [
      'no activation',
      (o) => ({ ...o, decoder: { hidden: [3] } }),
      "'decoder.activation' is missing",
    ],
    ['no likelihood', ({ likelihood: _, ...o }) => o, "'likelihood.kind' is missing"],
    ['no data', ({ data: _, ...o }) => o, "'data.shape' is missing"],
    ['an empty shape', (o) => ({ ...o, data: { shape: [] } }), 'data.shape is []; it must be'],
    ['a shape of nothing', (o) => ({ ...o, data: { shape: [0, 3] } }), 'data.shape is [0,3]'],
    ['a wrong type', (o) => ({ ...o, latent: '20' }), 'm.json: latent is "20"; it must be'],
    [
      'a wrong word',
      (o) => ({ ...o, likelihood: { kind: 'poisson' } }),
      'likelihood.kind is "poisson"',
    ],
  ])('refuses %s', async (_, change, why) => {
    const text = JSON.stringify(change(JSON.parse(EXAMPLE)));
    expect(await refusal(() => readModelJson(text, 'm.json'))).toContain(why);
  });

  test('refuses what is not JSON', async () => {
    expect(await refusal(() => readModelJson('{', 'm.json'))).toContain('m.json: not JSON');
  });
});

describe('weights.safetensors', () => {
  const model = buildModel(config(['likelihood.kind=normal']));
  const bytes = () => writeWeights(someWeights(model));

  test("has PyTorch's names and shapes", () => {
    const { tensors } = readSafetensors(bytes());
    const shapes = [...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape]);
    expect(shapes).toEqual([
      ['encoder.0.weight', 'F32', [5, 12]],
      ['encoder.0.bias', 'F32', [5]],
      ['encoder.1.weight', 'F32', [4, 5]],
      ['encoder.1.bias', 'F32', [4]],
      ['decoder.0.weight', 'F32', [6, 2]],
      ['decoder.0.bias', 'F32', [6]],
      ['decoder.1.weight', 'F32', [12, 6]],
      ['decoder.1.bias', 'F32', [12]],
      ['likelihood.logStd', 'F32', [1]],
    ]);
  });

  test('what is written is read, and written again to the same bytes', () => {
    const { values, extra } = readWeights(model, bytes());
    expect(extra).toEqual([]);
    expect([...values.values()]).toEqual([...someWeights(model).values()]);
    expect(writeWeights(values)).toEqual(bytes());
  });

  /** The file with its tensors changed. */
  function changed(change: (tensors: Map<string, { shape: number[]; data: never }>) => void) {
    const { tensors } = readSafetensors(bytes());
    change(tensors as never);
    return writeSafetensors(tensors as never);
  }

  test('reports tensors that the model does not have', () => {
    const more = changed((t) => t.set('step', { shape: [1], data: Uint8Array.of(1) as never }));
    expect(readWeights(model, more).extra).toEqual(['step']);
  });

  test.each<[string, Parameters<typeof changed>[0], string]>([
    [
      'a missing tensor',
      (t) => t.delete('decoder.0.bias'),
      "w: tensor 'decoder.0.bias' is missing; model.json asks for it with shape [6]",
    ],
    [
      'another shape',
      (t) => t.set('encoder.0.weight', { shape: [12, 5], data: new Float32Array(60) as never }),
      "'encoder.0.weight' has shape [12, 5]; model.json asks for [5, 12]",
    ],
    [
      'whole numbers',
      (t) => t.set('encoder.0.bias', { shape: [5], data: new Int32Array(5) as never }),
      "'encoder.0.bias' is of type I32; save it as float32",
    ],
    [
      'what is not finite',
      (t) =>
        t.set('encoder.0.bias', {
          shape: [5],
          data: Float32Array.of(0, 0, Number.NaN, 0, 0) as never,
        }),
      "'encoder.0.bias' holds NaN at element 2",
    ],
  ])('refuses %s', async (_, change, why) => {
    expect(await refusal(() => readWeights(model, changed(change), 'w'))).toContain(why);
  });

  test("takes a trainer's parameters apart", () => {
    const packed = buildModel(config());
    const { parameters } = minimize(mean(packed.parameters()[0] as never), packed.parameters(), {
      optimizer: sgd(),
    });
    const flat = Float32Array.from({ length: parameters.size }, (_, i) => i);
    for (const [variable, values] of unpackParameters(packed, flat)) {
      expect(values).toHaveLength(variable.size);
      expect(values[0]).toBe(variable.parent?.offset);
    }
  });
});

const checkpoint: Checkpoint = {
  state: {
    step: 12,
    tensors: new Map<string, Float32Array | Uint32Array>([
      ['parameters', Float32Array.of(1, 2, 3)],
      ['optimizer.m', Float32Array.of(4, 5, 6)],
      ['step', Uint32Array.of(12)],
    ]),
  },
  best: undefined,
};

describe('checkpoint.safetensors', () => {
  test('what is written is read', () => {
    expect(readCheckpoint(writeCheckpoint(checkpoint))).toEqual(checkpoint);
    const best = { loss: 101.25, step: 8, stale: 1, parameters: Float32Array.of(7, 8, 9) };
    const whole = { ...checkpoint, best, layout: 'encoder.0.weight[5,12]' };
    expect(readCheckpoint(writeCheckpoint(whole))).toEqual(whole);
  });

  test('version 0.1.0 called the best loss by another name', () => {
    const data = Float32Array.of(7, 8, 9);
    const old = writeSafetensors([['best.parameters', { shape: [3], data }]], {
      kind: 'latentgpu checkpoint 1',
      step: '12',
      best: JSON.stringify({ negativeElbo: 101.25, step: 8, stale: 1 }),
    });
    expect(readCheckpoint(old).best).toEqual({ loss: 101.25, step: 8, stale: 1, parameters: data });
  });

  test.each<[string, () => Uint8Array, string]>([
    ['a cut file', () => writeCheckpoint(checkpoint).subarray(0, 200), 'c: '],
    ['other weights', () => writeSafetensors([]), 'not a checkpoint of this version'],
    [
      'a bad step',
      () => writeSafetensors([], { kind: 'latentgpu checkpoint 1', step: '-1' }),
      'its step is "-1"',
    ],
    [
      'no step',
      () => writeSafetensors([], { kind: 'latentgpu checkpoint 1', step: '' }),
      'its step is ""',
    ],
    [
      'two steps',
      () =>
        writeSafetensors([['step', { shape: [1], data: Uint32Array.of(3) }]], {
          kind: 'latentgpu checkpoint 1',
          step: '4',
        }),
      'its step is 4 by its header and 3 by its tensor',
    ],
    [
      'parameters that are not finite',
      () =>
        writeSafetensors([['parameters', { shape: [2], data: Float32Array.of(1, Number.NaN) }]], {
          kind: 'latentgpu checkpoint 1',
          step: '4',
        }),
      "c: tensor 'parameters' holds NaN at element 1",
    ],
    [
      'bytes',
      () =>
        writeSafetensors([['x', { shape: [1], data: Uint8Array.of(1) }]], {
          kind: 'latentgpu checkpoint 1',
          step: '1',
        }),
      "tensor 'x' is neither float32 nor uint32",
    ],
    [
      'the best without its parameters',
      () => writeSafetensors([], { kind: 'latentgpu checkpoint 1', step: '1', best: '{}' }),
      "it lacks 'best.parameters'",
    ],
  ])('refuses %s', async (_, bytes, why) => {
    expect(await refusal(() => readCheckpoint(bytes(), 'c'))).toContain(why);
  });
});

const record = {
  format: 2,
  family: 'vae',
  config: { latent: 2 },
  data: { data: 'digits' },
} as unknown as TrainingRecord;

describe('a model folder', () => {
  test('holds a model that is read as it was written', async () => {
    const path = place();
    const model = buildModel(config());
    const run = new RunFolder(path);
    await run.begin(record, checkpoint);
    await run.writeModel(config(), someWeights(model), '1.2.3');
    const loaded = await readModelFolder(path);
    expect(loaded.config).toEqual(config());
    expect([...loaded.weights.values()]).toEqual([...someWeights(model).values()]);
    expect(loaded.extra).toEqual([]);
    expect(loaded.record).toEqual(record);
    expect(await run.readCheckpoint()).toEqual(checkpoint);
    expect((await readdir(path)).sort()).toEqual([
      'checkpoint.safetensors',
      'model.json',
      'training.json',
      'weights.safetensors',
    ]);
  });

  test('written by a few lines of Python loads unchanged', async () => {
    const loaded = await readModelFolder('tests/fixtures/torch-vae');
    expect(loaded.extra).toEqual([]);
    expect(loaded.record).toBeUndefined();
    expect(loaded.model.parameterCount()).toBe(
      [...loaded.weights.values()].reduce((n, { length }) => n + length, 0),
    );
  });

  test('says what it lacks', async () => {
    const path = place();
    expect(await refusal(() => readModelFolder(path))).toContain('no such folder');
    const run = new RunFolder(path);
    await run.writeRecord(record);
    expect(await refusal(() => readModelFolder(path))).toContain('holds no model.json');
    await writeFile(join(path, 'model.json'), EXAMPLE);
    expect(await refusal(() => readModelFolder(path))).toContain('holds no weights.safetensors');
    await writeFile(join(path, 'training.json'), '{}');
    expect(await refusal(() => readRecord(path))).toContain('training.json: not the record');
    await writeFile(join(path, 'training.json'), '{"format":1}');
    expect(await refusal(() => readRecord(path))).toContain("'data' or 'config' is missing");
  });

  test('is not overwritten by accident', async () => {
    const path = place();
    const choice = { folder: path, resume: false, force: false };
    await checkOutput(choice);
    expect(await refusal(() => checkOutput({ ...choice, resume: true }))).toContain(
      'no run to continue',
    );
    const run = new RunFolder(path);
    await run.writeRecord(record);
    await writeFile(join(path, 'notes.txt'), 'mine');
    expect(await refusal(() => checkOutput(choice))).toContain('already holds a model');
    expect(await refusal(() => checkOutput({ ...choice, resume: true }))).toContain(
      'no checkpoint',
    );
    await checkOutput({ ...choice, force: true });
    await run.writeCheckpoint(checkpoint);
    await checkOutput({ ...choice, resume: true });
    await run.report({ step: 1 });
    await run.writePicture('samples.png', Uint8Array.of(1));
    await run.begin(record, checkpoint);
    expect((await readdir(path)).sort()).toEqual([
      'checkpoint.safetensors',
      'notes.txt',
      'training.json',
    ]);
  });

  test('keeps pictures that are not its own', async () => {
    const path = place();
    const run = new RunFolder(path);
    await run.writePicture('samples.png', Uint8Array.of(1));
    const why = await refusal(() => checkOutput({ folder: path, resume: false, force: false }));
    expect(why).toContain('already holds samples.png');
  });

  test('forgets reports of steps that will be done again', async () => {
    const path = place();
    const run = new RunFolder(path);
    await run.begin(record, checkpoint);
    for (const step of [6, 12, 18]) await run.report({ step, loss: 1 / step });
    await appendFile(join(path, 'metrics.jsonl'), '{"step":24,"lo');
    await run.goOn(record, 12);
    const lines = (await readFile(join(path, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).step)).toEqual([6, 12]);
    await run.goOn(record, 0);
    expect(await readdir(path)).not.toContain('metrics.jsonl');
  });
});
