// What each dimension of a code tells of the data.
import { step } from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import { type Model, need } from '../model.ts';
import type { CodeDimension } from './evaluation.ts';
import { Feed } from './feed.ts';
import { byPart, Columns } from './moments.ts';
import { withOwnNoise } from './noise.ts';
import { replay } from './replay.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce, type WorkOptions } from './rows.ts';

const ROWS = 100;

export interface DimensionOptions extends WorkOptions {
  /** Of the noise, where a divergence is sampled. */
  seed?: number;
}

/**
 * Of every dimension of the code, or of every group of them that has a divergence of its own, in their
 * order: how the codes of rows 0 to `count` vary, and the mean divergence from the prior where the model
 * tells it.
 *
 * @throws LatentGpuError `bad-input` for a model without codes, `interrupted`
 * @example const dimensions = await codeDimensions(runtime, model, rows, 100);
 */
export async function codeDimensions(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { seed = 1, signal, onProgress }: DimensionOptions = {},
): Promise<CodeDimension[]> {
  checkWhole('count', count, 1);
  const code = need(model, 'code', 'this');
  const size = rowsAtOnce(model, Math.min(ROWS, count));
  const feed = new Feed(model, size, rows);
  const whole = code.kl?.(feed.batch);
  // That of all numbers at once tells nothing of any of them.
  const kl = whole?.shape.at(-1) === 1 && code.size > 1 ? undefined : whole;
  const names = kl ? ['codes', 'kl'] : ['codes'];
  const plan = await runtime.compile({
    outputs: { codes: code.mean(feed.batch), ...(kl && { kl }) },
  });
  const codes = new Columns(code.size);
  const divergences = new Columns(kl?.shape.at(-1) ?? 0);
  try {
    await withOwnNoise(runtime, seed, 0x64696d73, async () => {
      for (let start = 0; start < count; start += size) {
        checkStop(signal, 'looking at the codes');
        const end = Math.min(count, start + size);
        feed.write(runtime, rows, start, end);
        runtime.write(step, [start / size]);
        const [mean, divergence] = await replay(plan, names);
        codes.add(mean as Float32Array, end - start);
        if (divergence) divergences.add(divergence, end - start);
        onProgress?.(end / count);
      }
    });
  } finally {
    plan.destroy();
    feed.release(runtime);
  }
  const variances = codes.variances();
  if (!kl) return Array.from(variances, (variance) => ({ variance }));
  const means = divergences.means();
  const parts = byPart(variances, means.length);
  return Array.from(means, (kl, j) => ({ kl, variance: parts[j] as number }));
}
