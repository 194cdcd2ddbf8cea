// The amortisation gap: how much better the bound gets if each data point's posterior is fitted by itself,
// from where the encoder leaves it. Cremer, Li and Duvenaud 2018.
import { variable } from '../../graph/variable.ts';
import { neg, step } from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import { type Model, need } from '../model.ts';
import { descent } from './descent.ts';
import { Feed } from './feed.ts';
import { moments } from './moments.ts';
import { withOwnNoise } from './noise.ts';
import { replay } from './replay.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce, type WorkOptions } from './rows.ts';

export interface RefineOptions extends WorkOptions {
  /** Gradient steps on each posterior. */
  readonly steps: number;
  /** Of Adam to begin with; it falls to nothing along half a cosine. Default: 0.05. */
  readonly rate?: number;
  /** Of the noise. */
  readonly seed?: number;
}

/** Means over rows, with their standard errors, in nats of what the model sees. */
export interface Refinement {
  readonly steps: number;
  readonly before: number;
  readonly beforeError: number;
  readonly after: number;
  readonly afterError: number;
  /** How much the refined bound is above the other, the mean over pairs. */
  readonly gap: number;
  readonly gapError: number;
}

const ROWS = 100;
/** Draws a row with which either bound is measured, the same for both. */
const DRAWS = 16;

/**
 * The bounds of rows 0 to `count` before and after `steps` steps on their posteriors' own numbers, decoder
 * and prior standing still. Of a model without an encoder, from the prior.
 *
 * @throws LatentGpuError `bad-input` for a model whose posteriors cannot be refined, `interrupted`
 * @example const { before, after } = await refine(runtime, model, rows, 100, { steps: 100 });
 */
export function refine(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  options: RefineOptions,
): Promise<Refinement> {
  checkWhole('count', count, 1);
  checkWhole('steps', options.steps, 1);
  return withOwnNoise(runtime, options.seed ?? 1, 0x72656669, () =>
    refined(runtime, model, rows, count, options),
  );
}

async function refined(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { steps, rate = 0.05, signal, onProgress }: RefineOptions,
): Promise<Refinement> {
  const ability = need(model, 'refine', 'this');
  const size = rowsAtOnce(model, Math.min(ROWS, count));
  const feed = new Feed(model, size, rows);
  const numbers = variable('numbers', [size, ability.width]);
  const { bound, surrogate } = ability.bound(feed.batch, numbers);
  const fit = descent(neg(surrogate), [{ variable: numbers, start: ability.start(feed.batch) }], {
    steps,
    rate,
  });
  const [begin, learn, measure] = await Promise.all([
    runtime.compile({ effects: fit.begin }),
    runtime.compile({ effects: fit.learn }),
    runtime.compile({ outputs: { bound } }),
  ]);
  const before = new Float64Array(count);
  const after = new Float64Array(count);
  /** Adds the mean over draws, whose noise follows from the rows' place. */
  const measured = async (into: Float64Array, start: number, end: number) => {
    for (let draw = 0; draw < DRAWS; draw++) {
      runtime.write(step, [(start / size) * DRAWS + draw]);
      const [values] = await replay(measure, ['bound']);
      for (let i = start; i < end; i++) {
        into[i] = (into[i] as number) + ((values as Float32Array)[i - start] as number) / DRAWS;
      }
    }
  };
  try {
    for (let start = 0; start < count; start += size) {
      checkStop(signal, 'refining');
      const end = Math.min(count, start + size);
      feed.write(runtime, rows, start, end);
      await begin.run();
      await measured(before, start, end);
      // Far from the steps whose noise the measurements take.
      runtime.write(step, [2 ** 24 + (start / size) * steps]);
      await learn.run(steps, { ...(signal && { signal }) });
      checkStop(signal, 'refining');
      await measured(after, start, end);
      onProgress?.(end / count);
    }
  } finally {
    for (const plan of [begin, learn, measure]) plan.destroy();
    feed.release(runtime);
    fit.release(runtime);
  }
  const [a, b] = [moments(before), moments(after)];
  const gap = moments(after.map((value, i) => value - (before[i] as number)));
  return {
    steps,
    before: a.mean,
    beforeError: a.standardError,
    after: b.mean,
    afterError: b.standardError,
    gap: gap.mean,
    gapError: gap.standardError,
  };
}
