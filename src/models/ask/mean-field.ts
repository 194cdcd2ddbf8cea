// Missing 0/1 values by mean field: q(x_missing) q(z) with q(x_missing) = Π φ^x (1 - φ)^(1 - x), both fitted
// to each row by itself. A Bernoulli decoder's log p(x | z) is linear in x, so that its mean over
// q(x_missing) is its value at φ: E_q log p(x, z) - log q is the bound at x = φ plus the entropy of φ.
import { variable } from '../../graph/variable.ts';
import {
  add,
  addUint,
  assign,
  cos,
  div,
  gradient,
  mul,
  neg,
  sigmoid,
  softplus,
  step,
  sub,
  sum,
  where,
  zeros,
} from '../../ops/index.ts';
import { adam } from '../../optim/index.ts';
import { seedWords } from '../../random.ts';
import type { Runtime } from '../../scheduler/index.ts';
import { type Model, need } from '../family.ts';
import { Feed } from './feed.ts';
import { withNoise } from './noise.ts';
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
  const [low, high] = seedWords(options.seed ?? 1);
  // A key of its own: it shares no noise with training, nor with other questions.
  return withNoise(runtime, [low, (high ^ 0x6d66696c) >>> 0], () =>
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
  const done = variable('done', []);
  const phi = sigmoid(learned.logits);
  const x = mask ? where(mask, feed.batch.x, phi) : feed.batch.x;
  // Of a Bernoulli variable with log-odds l: softplus(l) - l σ(l).
  const entropy = sub(softplus(learned.logits), mul(learned.logits, phi));
  const { bound: known } = boundOf({ x }, learned.numbers);
  const bound = mask ? add(known, sum(where(mask, 0, entropy), -1)) : known;
  const all = Object.values(learned);
  const slopes = gradient(neg(sum(bound)), all);
  const phase = mul(Math.PI, div(done, steps));
  const learningRate = mul(rate / 2, add(1, cos(phase)));
  const updates = all.map((parameters, i) => {
    const state = {
      m: variable('m', parameters.shape),
      v: variable('v', parameters.shape),
    };
    const slope = slopes[i] as typeof bound;
    const given = { parameters, gradient: slope, learningRate, count: add(done, 1), state };
    return { parameters, state, next: adam().update(given) };
  });
  const plans = await Promise.all([
    runtime.compile({
      effects: [
        assign(learned.numbers, begin(feed.batch)),
        ...[learned.logits, done, ...updates.flatMap(({ state }) => [state.m, state.v])].map(
          (held) => assign(held, zeros(held.shape)),
        ),
      ],
    }),
    runtime.compile({
      effects: [
        ...updates.flatMap(({ parameters, state, next }) => [
          assign(parameters, next.parameters),
          assign(state.m, next.state.m as typeof bound),
          assign(state.v, next.state.v as typeof bound),
        ]),
        assign(done, add(done, 1)),
        assign(step, addUint(step, 1)),
      ],
    }),
    runtime.compile({ outputs: { x, bound } }),
  ]);
  const [prepare, learn, look] = plans as [(typeof plans)[0], (typeof plans)[0], (typeof plans)[0]];
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
      await look.run();
      const [values, reached] = await Promise.all([look.read('x'), look.read('bound')]);
      mean.set(values.subarray(0, (end - start) * features) as Float32Array, start * features);
      bounds.set(reached.subarray(0, end - start), start);
      onProgress?.(end / count);
    }
  } finally {
    for (const plan of plans) plan.destroy();
    feed.release(runtime);
    const held = updates.flatMap(({ parameters, state }) => [parameters, state.m, state.v]);
    for (const each of [...held, done]) runtime.release(each);
  }
  return { mean, bound: bounds };
}
