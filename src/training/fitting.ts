// What ends a pretraining: a model of numbers of each row is fitted to all of them, on the same device.
import { input, type Variable } from '../graph/variable.ts';
import { type Fitting, fullBatch } from '../models/index.ts';
import type { Runtime } from '../scheduler/index.ts';
import { type Binarization, binarizedRows } from './binarize.ts';
import type { RunData } from './description.ts';
import { initialOf, trainingRows } from './learn.ts';
import { describeSweep } from './sweep.ts';
import { SweepRunner } from './sweep-runner.ts';

/** Rows of which numbers are computed at once. */
const ROWS = 512;

/**
 * Fits, and writes what was found into the runtime's variables: a function of those, the data and the seed,
 * so that a run that is continued comes to the same bits.
 *
 * @throws LatentGpuError `bad-data` for numbers to which the model cannot be fitted
 */
export async function fitTo(runtime: Runtime, fitting: Fitting, run: RunData): Promise<void> {
  const { by, batch, passes, begin } = fitting;
  const { data, binarize = 'none', seed = 0 } = run;
  const values = await numbersOf(runtime, fitting, data, binarize, seed);
  const { count } = data;
  const shape = [values.length / count];
  const numbers = { name: 'codes', source: 'codes', count, shape, data: values };
  // Which rows lie together, grey levels say better than draws of 0 and 1.
  const initial = begin
    ? await begin(trainingRows(data, 'none', seed), values, seed)
    : initialOf(by, numbers, 'none', seed);
  if (passes === 0) {
    await fitting.take((parameter) => initial?.get(parameter) as Float32Array, runtime);
    return;
  }
  const options = {
    model: by,
    sweep: by.learner.sweep,
    data: numbers,
    batch: Math.min(batch, count),
    seed,
    tune: 'off' as const,
  };
  const description = describeSweep(options);
  const runner = await SweepRunner.create(runtime.device, description, options);
  try {
    await runner.begin(initial);
    await runner.advance(passes * description.batches.perEpoch);
    const found = new Map<Variable, Float32Array>();
    for (const parameter of by.parameters()) {
      found.set(parameter, (await runner.runtime.read(parameter)) as Float32Array);
    }
    await fitting.take((parameter) => found.get(parameter) as Float32Array, runtime);
  } finally {
    runner.runtime.destroy();
  }
}

/** The numbers of every row, [count, M]. */
async function numbersOf(
  runtime: Runtime,
  { of }: Fitting,
  data: RunData['data'],
  binarize: Binarization,
  seed: number,
): Promise<Float32Array> {
  const { count } = data;
  const rows = (start: number, end: number) => binarizedRows(data, start, end, binarize, seed);
  const size = Math.min(ROWS, count);
  const x = input('x', [size, data.data.length / count]);
  const numbers = of({ x });
  const width = numbers.size / size;
  const plan = await runtime.compile({ outputs: { numbers } });
  const all = new Float32Array(count * width);
  try {
    for (let start = 0; start < count; start += size) {
      const end = Math.min(count, start + size);
      runtime.write(x, fullBatch(rows, start, end, size));
      await plan.run();
      const part = (await plan.read('numbers')) as Float32Array;
      all.set(part.subarray(0, (end - start) * width), start * width);
    }
  } finally {
    plan.destroy();
    runtime.release(x);
  }
  return all;
}
