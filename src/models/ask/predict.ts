// What a model tells of rows beside the data themselves.
import type { Runtime } from '../../scheduler/index.ts';
import { type Model, need } from '../model.ts';
import { Feed } from './feed.ts';
import { exclusively } from './noise.ts';
import { replay } from './replay.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce, type WorkOptions } from './rows.ts';

const ROWS = 100;

/**
 * Rows 0 to `count`: [count, P].
 *
 * @throws LatentGpuError `bad-input` for a model that predicts nothing, `interrupted`
 * @example const predicted = await predictions(runtime, model, rows, 100);
 */
export function predictions(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { onProgress, signal }: WorkOptions = {},
): Promise<Float32Array> {
  checkWhole('count', count, 1);
  const predict = need(model, 'predict', 'this');
  const width = predict.columns.length;
  return exclusively(runtime, async () => {
    const size = rowsAtOnce(model, Math.min(ROWS, count), rows);
    const feed = new Feed(model, size, rows);
    const plan = await runtime.compile({ outputs: { told: predict.of(feed.batch) } });
    const result = new Float32Array(count * width);
    try {
      for (let start = 0; start < count; start += size) {
        checkStop(signal, 'predicting');
        const end = Math.min(count, start + size);
        feed.write(runtime, rows, start, end);
        const [told] = await replay(plan, ['told']);
        result.set((told as Float32Array).subarray(0, (end - start) * width), start * width);
        onProgress?.(end / count);
      }
    } finally {
      plan.destroy();
      feed.release(runtime);
    }
    return result;
  });
}
