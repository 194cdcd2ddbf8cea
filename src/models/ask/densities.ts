// log p(x) of single data points under a model that has it exactly.
import { step } from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import { type Model, need } from '../model.ts';
import { Feed } from './feed.ts';
import { withOwnNoise } from './noise.ts';
import { replay } from './replay.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce, type WorkOptions } from './rows.ts';

export interface DensityOptions extends WorkOptions {
  /** Of grey levels: draws of the dequantising noise a row, whose log-densities are averaged. Default: 1. */
  draws?: number;
  /** Of the noise. */
  seed?: number;
}

/** Rows at once: few of many features. */
const ROWS = { few: 100, many: 1000, features: 64 } as const;
/** What no log-density of a row is, whatever kernels put in its place. */
const BEYOND = 1e38;
/** Steps between the draws of one row. */
const STRIDE = 2 ** 20;

/**
 * log p of rows 0 to `count`, [count]; of grey levels the mean over `draws` of the dequantising noise,
 * which follows from the seed and the row's place alone.
 *
 * NaN where a row lies further out than float32 reaches.
 *
 * @throws LatentGpuError `bad-input` for a model that tells no density, `interrupted`
 * @example const logProb = await logDensities(runtime, model, rows, 100);
 */
export function logDensities(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { draws = 1, seed = 1, onProgress, signal }: DensityOptions = {},
): Promise<Float64Array> {
  checkWhole('count', count, 1);
  checkWhole('samples', draws, 1);
  const passes = model.can.grey ? draws : 1;
  return withOwnNoise(runtime, seed, 0x666c6f77, async () => {
    const most = model.features > ROWS.features ? ROWS.few : ROWS.many;
    const size = rowsAtOnce(model, Math.min(most, count), rows);
    const feed = new Feed(model, size, rows);
    const logProb = need(model, 'logWeights', 'this').of(feed.batch, 1);
    const plan = await runtime.compile({ outputs: { logProb } });
    const result = new Float64Array(count);
    try {
      for (let start = 0; start < count; start += size) {
        const end = Math.min(count, start + size);
        feed.write(runtime, rows, start, end);
        for (let pass = 0; pass < passes; pass++) {
          checkStop(signal, 'the evaluation');
          runtime.write(step, [pass * STRIDE + start / size]);
          const [found] = await replay(plan, ['logProb']);
          for (let i = start; i < end; i++) {
            const value = (found as Float32Array)[i - start] as number;
            // Where float32 ends stands a finite number for minus infinity.
            const told = Math.abs(value) < BEYOND ? value : Number.NaN;
            result[i] = (result[i] as number) + told / passes;
          }
        }
        onProgress?.(end / count);
      }
    } finally {
      plan.destroy();
      feed.release(runtime);
    }
    return result;
  });
}
