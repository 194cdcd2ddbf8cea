/** Folders as version 0.1.0 left them, with what that version found of them: all of it still holds. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Output } from '../src/cli/common/output.ts';
import { loadModelData } from '../src/cli/data/model-data.ts';
import { loadSubject } from '../src/cli/data/subject.ts';
import { continued } from '../src/cli/training/request.ts';
import { train } from '../src/cli/training/run.ts';
import { toFloat32 } from '../src/data/float32.ts';
import { logScale, standardize } from '../src/data/standardize.ts';
import { adapterLine, type Device, openDevice } from '../src/device/index.ts';
import { readNpy } from '../src/formats/npy.ts';
import {
  evaluateModel,
  familyOf,
  giveWeights,
  likelihoodOf,
  logDensities,
  modelJson,
  need,
  openInference,
  plainOf,
  readModelJson,
  scoreRows,
} from '../src/models/index.ts';
import { inDataUnits } from '../src/pictures/points.ts';
import { Runtime } from '../src/scheduler/index.ts';
import {
  type LoadedModel,
  readModelFolder,
  readRecord,
} from '../src/training/model-folder.node.ts';
import { ROOT } from './support/cli.ts';

const FIXTURES = join(ROOT, 'tests/fixtures/v0.1.0');
const IRIS = join(FIXTURES, 'iris.csv');
const NAMES = readdirSync(FIXTURES).filter((name) => name !== 'iris.csv');
/** What was asked of 0.1.0: `eval --samples 40 --limit 60`, `score --samples 7 --limit 20`. */
const SEED = 3;
const EVALUATED = { samples: 40, limit: 60 };
const SCORED = { samples: 7, limit: 20 };
const DRAWN = 5;

const context = {
  out: new Output({ quiet: true }),
  seed: SEED,
  signal: new AbortController().signal,
};

// biome-ignore lint/suspicious/noExplicitAny: what lies beside each folder is for each test to know.
function kept(name: string, file: string): any {
  return JSON.parse(readFileSync(join(FIXTURES, name, file), 'utf8'));
}

/** A model of 0.1.0 on this file's one device, while `work` runs. */
async function withFolder<T>(
  name: string,
  work: (loaded: LoadedModel, runtime: Runtime) => Promise<T>,
): Promise<T> {
  const loaded = await readModelFolder(join(FIXTURES, name));
  const runtime = new Runtime(device);
  try {
    giveWeights(runtime, loaded.weights);
    giveWeights(runtime, loaded.buffers);
    return await work(loaded, runtime);
  } finally {
    runtime.destroy();
  }
}

/**
 * The data that 0.1.0 was asked about, as the model sees them: the test split of its record, which for a
 * table is what was held out of it.
 *
 * @param named a file named with `--data`, of which all rows count
 */
async function subjectOf(name: string, loaded: LoadedModel, limit: number, named?: string) {
  const { record } = loaded;
  const isTable = loaded.config.data.name === 'iris.csv';
  // It remembers where the table lay on the machine of 0.1.0.
  const here = record && isTable && { record: { ...record, data: { ...record.data, data: IRIS } } };
  const options = { split: 'test' as const, limit, ...(isTable && named && { data: named }) };
  const whole = { ...loaded, ...here };
  const subject = await loadSubject(name, whole, options, context, 'densities');
  const { standardization } = loaded;
  if (!standardization) return { ...subject, logScale: 0 };
  // Numbers now stay float64 until they are standardised: 0.1.0 rounded them before, too.
  const { original } = await loadModelData(whole, options, name, context.out);
  const seen = standardize(toFloat32(original), standardization);
  const width = loaded.model.features;
  for (const [i, value] of (subject.dataset.data as Float32Array).entries()) {
    const column = i % width;
    const [mean, std] = [standardization.mean[column], standardization.std[column]].map(Number);
    const size = Math.abs(Number(original.data[i])) + Math.abs(mean as number);
    // One rounding of the value, and those of the difference and the quotient.
    const most = 2 ** -23 * (size / (std as number) + Math.abs(value));
    expect(Math.abs(value - Number(seen.data[i]))).toBeLessThanOrEqual(most);
  }
  const rows = (start: number, end: number) =>
    (seen.data as Float32Array).subarray(start * width, end * width);
  return { ...subject, rows, logScale: logScale(standardization) };
}

/** Glow's convolutions have had another kernel since, which adds in another order. */
const ROUNDS_ANEW = ['glow'];

/** The same bits on the adapter that 0.1.0 ran on; other kernels, and other adapters, round in another order. */
function expectSame(found: unknown, expected: unknown, adapter: string, path = ''): void {
  const isElsewhere = adapter !== device.adapter.name;
  if (
    typeof expected === 'number' &&
    (isElsewhere || ROUNDS_ANEW.includes(path.split('.')[0] ?? ''))
  ) {
    const tolerance = (isElsewhere ? 1e-4 : 1e-6) * Math.max(1, Math.abs(expected));
    expect(Math.abs((found as number) - expected), path).toBeLessThanOrEqual(tolerance);
  } else if (typeof expected === 'object' && expected !== null) {
    for (const [key, value] of Object.entries(expected)) {
      const inner = (found as Record<string, unknown> | null | undefined)?.[key];
      expectSame(inner, value, adapter, `${path}.${key}`);
    }
  } else expect(found, path).toBe(expected);
}

let device: Device;
let folder = '';
beforeAll(async () => {
  device = await openDevice();
  console.log(`adapter: ${adapterLine(device.adapter)}`);
  folder = mkdtempSync(join(tmpdir(), 'latentgpu-v010-'));
}, 60_000);
afterAll(() => {
  device?.destroy();
  rmSync(folder, { recursive: true });
});

test('nine folders are here', () => {
  expect(NAMES).toHaveLength(9);
});

describe.each(NAMES)('%s', (name) => {
  test('loads whole, and is written as the present format', async () => {
    const { config, extra, record } = await readModelFolder(join(FIXTURES, name));
    expect(extra).toEqual([]);
    expect(record?.family).toBe(config.family);
    const { format, priorFlow, posteriorFlow, prior, posterior, objective, version, ...rest } =
      kept(name, 'model.json');
    expect([format, version]).toEqual([1, '0.1.0']);
    expect(config).toMatchObject(rest);
    expect(config.objective ?? {}).toMatchObject(objective ?? {});
    if (config.family === 'vae') {
      expect(config.prior).toEqual({ kind: prior ?? 'normal', ...priorFlow });
      expect(config.posterior).toEqual({ kind: posterior ?? 'normal', ...posteriorFlow });
    }
    const again = modelJson(config);
    expect(JSON.parse(again).format).toBe(2);
    expect(readModelJson(again)).toEqual({ config, extra: [] });
  });

  test('evaluates to the same numbers', async () => {
    const { adapter, seconds: _, ...expected } = kept(name, 'eval.json');
    await withFolder(name, async (loaded, runtime) => {
      const { dataset, rows, summary, logScale } = await subjectOf(
        name,
        loaded,
        EVALUATED.limit,
        IRIS,
      );
      const found = await evaluateModel(runtime, loaded.model, dataset, rows, {
        samples: EVALUATED.samples,
        likelihoodLimit: EVALUATED.limit,
        seed: SEED,
        logScale,
      });
      // As a program would get it.
      const plain = JSON.parse(JSON.stringify(plainOf(found)));
      expectSame({ ...plain, ...summary, seed: SEED }, expected, adapter, name);
    });
  }, 120_000);

  test('scores every row as before', async () => {
    const { adapter, error, rows: expected, ...about } = kept(name, 'score.json');
    await withFolder(name, async (loaded, runtime) => {
      const { model } = loaded;
      if (error) {
        // Nothing has come that would give it a density.
        expect(() => need(model, 'logWeights', 'f/ae')).toThrow(error.message);
        return;
      }
      const { dataset, rows, logScale } = await subjectOf(name, loaded, SCORED.limit);
      const { count } = dataset;
      expect(count).toBe(about.count);
      const { samples } = SCORED;
      if (need(model, 'logWeights', name).exact) {
        const options = { seed: SEED, draws: samples };
        const found = await logDensities(runtime, model, rows, count, options);
        expectSame(
          [...found].map((value) => value - logScale),
          expected.logProb,
          adapter,
        );
        return;
      }
      const found = await scoreRows(runtime, model, rows, count, { samples, seed: SEED });
      const logProb = found.logProb.map((value) => value - logScale);
      const { standardError, effectiveSampleSize } = found;
      expectSame([...logProb], expected.logProb, adapter);
      expectSame([...standardError], expected.standardError, adapter);
      expectSame([...effectiveSampleSize], expected.effectiveSampleSize, adapter);
      const whole = likelihoodOf({ ...found, logProb }, samples);
      expectSame(-whole.value, about.logProb, adapter);
    });
  }, 120_000);

  test('draws the same samples', async () => {
    await withFolder(name, async (loaded, runtime) => {
      const { model, config, standardization } = loaded;
      if (!readdirSync(join(FIXTURES, name)).includes('sample.npy')) {
        expect(() => need(model, 'draw', name)).toThrow(`${name} holds an autoencoder`);
        return;
      }
      const bytes = new Uint8Array(readFileSync(join(FIXTURES, name, 'sample.npy')));
      const { shape, data } = readNpy(bytes);
      const shown = need(model, 'decode', name).draw ? 'mean' : 'draw';
      const asked = openInference(runtime, model);
      const made = await asked.sample(DRAWN, shown, SEED);
      await asked.destroy();
      expect(shape).toEqual([DRAWN, ...config.data.shape]);
      const found = inDataUnits(made, { shape: config.data.shape, standardization });
      expectSame([...found], [...(data as Float32Array)], kept(name, 'eval.json').adapter);
    });
  }, 120_000);
});

test.each([
  ['vae', 'digits', 12, 6, 'negativeElbo'],
  ['realnvp', 'moons', 10, 10, 'negativeLogLikelihood'],
  ['maf', IRIS, 24, 8, 'negativeLogLikelihood'],
] as const)(
  'a run of %s goes on where 0.1.0 left it',
  async (name, data, step, more, loss) => {
    const path = join(folder, name);
    cpSync(join(FIXTURES, name), path, { recursive: true });
    const metrics = () =>
      readFileSync(join(path, 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const before = metrics();
    const epochs = before.length + 1;
    const options = { epochs, data, out: path, resume: true };
    // The run's own seed goes on, not one that is asked for.
    const run = { ...context, seed: undefined };
    const request = await continued(path, familyOf(name), options, run);
    expect(request.resume?.checkpoint.state.step).toBe(step);
    const summary = await train(request, run);
    expect(summary).toMatchObject({ reason: 'finished', step: step + more, epoch: epochs });
    const after = metrics();
    expect(after.slice(0, -1)).toEqual(before);
    const [last, next] = [before.at(-1), after.at(-1)];
    expect(next).toMatchObject({ step: step + more, epoch: epochs, skipped: 0 });
    // Its moments are warm and its parameters those of the checkpoint: it learns on from there.
    expect(next.evaluation[loss]).toBeLessThan(last.evaluation[loss]);
    expect(next.loss).toBeLessThan(last.loss);
    const { extra, config } = await readModelFolder(path);
    expect(extra).toEqual([]);
    expect(JSON.parse(readFileSync(join(path, 'model.json'), 'utf8')).format).toBe(2);
    expect((await readRecord(path))?.family).toBe(config.family);
  },
  180_000,
);
