// Missing 0/1 values by mean field: q(x_missing) q(z) with q(x_missing) = Π φ^x (1 - φ)^(1 - x), both fitted
// to each row by itself. A Bernoulli decoder's log p(x | z) is linear in x, so that its mean over
// q(x_missing) is its value at φ: E_q log p(x, z) - log q is the bound at x = φ plus the entropy of φ.
import { variable } from '../../graph/variable.ts';
import { add, mul, neg, sigmoid, softplus, step, sub, sum, where, zeros } from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import { type Model, need } from '../model.ts';
import { descent } from './descent.ts';
import { Feed } from './feed.ts';
import { withOwnNoise } from './noise.ts';
import { replay } from './replay.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce, type WorkOptions } from './rows.ts';

export interface MeanFieldOptions extends WorkOptions {
  /** Gradient steps on each row's φ and q(z). */
  readonly steps: number;
  /** Of Adam to begin with; it falls to nothing along half a cosine. Default: 0.1. */
  readonly rate?: number;
  /** Of the noise. */
  readonly seed?: number;
}

export interface MeanField {
  /** φ, [count, D], with what is seen in its place. */
  readonly mean: Float32Array;
  /** The bound of log p(what is seen), [count], from one draw of the code. */
  readonly bound: Float64Array;
}

const ROWS = 100;

/**
 * φ of rows 0 to `count`.
 *
 * @throws LatentGpuError `bad-input` for a model whose posteriors cannot be fitted by themselves
 * @example const fitted = await meanField(runtime, model, rows, 10, { steps: 500 });
 */
export function meanField(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  options: MeanFieldOptions,
): Promise<MeanField> {
  checkWhole('count', count, 1);
  checkWhole('steps', options.steps, 1);
  return withOwnNoise(runtime, options.seed ?? 1, 0x6d66696c, () =>
    fitted(runtime, model, rows, count, options),
  );
}

async function fitted(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { steps, rate = 0.1, signal, onProgress }: MeanFieldOptions,
): Promise<MeanField> {
  const { width, start: begin, bound: boundOf } = need(model, 'refine', 'this');
  const { features } = model;
  const size = rowsAtOnce(model, Math.min(ROWS, count));
  const feed = new Feed(model, size, rows);
  const { mask } = feed.batch;
  const learned = {
    numbers: variable('numbers', [size, width]),
    logits: variable('logits', [size, features]),
  };
  const phi = sigmoid(learned.logits);
  const x = mask ? where(mask, feed.batch.x, phi) : feed.batch.x;
  // Of a Bernoulli variable with log-odds l: softplus(l) - l σ(l).
  const entropy = sub(softplus(learned.logits), mul(learned.logits, phi));
  const { bound: known } = boundOf({ x }, learned.numbers);
  const bound = mask ? add(known, sum(where(mask, 0, entropy), -1)) : known;
  const fit = descent(
    neg(bound),
    [
      { variable: learned.numbers, start: begin(feed.batch) },
      { variable: learned.logits, start: zeros(learned.logits.shape) },
    ],
    { steps, rate },
  );
  const [prepare, learn, look] = await Promise.all([
    runtime.compile({ effects: fit.begin }),
    runtime.compile({ effects: fit.learn }),
    runtime.compile({ outputs: { x, bound } }),
  ]);
  const mean = new Float32Array(count * features);
  const bounds = new Float64Array(count);
  try {
    for (let start = 0; start < count; start += size) {
      checkStop(signal, 'filling in');
      const end = Math.min(count, start + size);
      feed.write(runtime, rows, start, end);
      await prepare.run();
      runtime.write(step, [(start / size) * (steps + 1)]);
      await learn.run(steps, { ...(signal && { signal }) });
      checkStop(signal, 'filling in');
      const [values, reached] = (await replay(look, ['x', 'bound'])) as [
        Float32Array,
        Float32Array,
      ];
      mean.set(values.subarray(0, (end - start) * features), start * features);
      bounds.set(reached.subarray(0, end - start), start);
      onProgress?.(end / count);
    }
  } finally {
    for (const plan of [prepare, learn, look]) plan.destroy();
    feed.release(runtime);
    fit.release(runtime);
  }
  return { mean, bound: bounds };
}
