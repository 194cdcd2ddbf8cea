// The importance-weighted bound against the number of samples: it rises towards log p(x).
// Burda, Grosse and Salakhutdinov 2016, theorem 1.
import type { Runtime } from '../../scheduler/index.ts';
import type { Model } from '../model.ts';
import { likelihoodOf } from './evaluate.ts';
import type { BoundOfSamples } from './evaluation.ts';
import type { RowSource, WorkOptions } from './rows.ts';
import { scoreRows } from './score.ts';

export const CURVE_SAMPLES: readonly number[] = [1, 5, 50, 500, 5000];

/**
 * Means of -L_K over rows 0 to `count`: no less than -log p(x) on average.
 *
 * @throws LatentGpuError `bad-input` for a model without importance weights, `interrupted`
 * @example const curve = await boundCurve(runtime, model, rows, 100, { samples: [1, 10, 100] });
 */
export async function boundCurve(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  {
    seed = 1,
    samples = CURVE_SAMPLES,
    onProgress,
    signal,
  }: WorkOptions & { readonly seed?: number; readonly samples?: readonly number[] } = {},
): Promise<BoundOfSamples[]> {
  const whole = samples.reduce((a, b) => a + b, 0);
  const points: BoundOfSamples[] = [];
  let done = 0;
  for (const k of samples) {
    const from = done;
    const scores = await scoreRows(runtime, model, rows, count, {
      samples: k,
      seed,
      ...(signal && { signal }),
      onProgress: (fraction) => onProgress?.((from + k * fraction) / whole),
    });
    const { value, standardError } = likelihoodOf(scores, k);
    points.push({ samples: k, value, error: standardError });
    done += k;
  }
  return points;
}
