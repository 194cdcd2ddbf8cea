// Which groups a model sorts rows into.
import type { Runtime } from '../../scheduler/index.ts';
import { type Model, need } from '../model.ts';
import { Feed } from './feed.ts';
import { exclusively } from './noise.ts';
import { replay } from './replay.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce, type WorkOptions } from './rows.ts';

export interface Groups {
  /** How many there are, K. */
  readonly size: number;
  /** p(c | x), [count, K]. */
  readonly responsibilities: Float32Array;
  /** The likeliest group of each row, [count]. */
  readonly labels: Uint32Array;
}

const ROWS = 1000;

/**
 * The group of each row, as the model knows them.
 *
 * @throws LatentGpuError `bad-input` for a model that knows no groups
 * @example const groups = await groupsOf(runtime, model, rows, 100);
 */
export function groupsOf(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { onProgress, signal }: WorkOptions = {},
): Promise<Groups> {
  checkWhole('count', count, 1);
  const assign = need(model, 'assign', 'this');
  return exclusively(runtime, async () => {
    const size = rowsAtOnce(model, Math.min(ROWS, count), rows);
    const feed = new Feed(model, size, rows);
    const belongs = assign.call(model.can, feed.batch);
    const groups = belongs.shape[1] as number;
    const plan = await runtime.compile({ outputs: { belongs } });
    const responsibilities = new Float32Array(count * groups);
    try {
      for (let start = 0; start < count; start += size) {
        checkStop(signal, 'sorting rows into groups');
        const end = Math.min(count, start + size);
        feed.write(runtime, rows, start, end);
        const [read] = await replay(plan, ['belongs']);
        responsibilities.set(
          (read as Float32Array).subarray(0, (end - start) * groups),
          start * groups,
        );
        onProgress?.(end / count);
      }
    } finally {
      plan.destroy();
      feed.release(runtime);
    }
    return { size: groups, responsibilities, labels: likeliest(responsibilities, groups) };
  });
}

/** Of a row, by how much the p(c | x) of all groups may miss 1. */
const SLACK = 1e-3;

/**
 * Rows so far from every group that float32 has nothing left of any p(x, c), so that none is the likeliest.
 *
 * @example const lost = rowsOfNone(await groupsOf(runtime, model, rows, 100));
 */
export function rowsOfNone({ responsibilities, labels, size }: Groups): number[] {
  return Array.from(labels.keys()).filter((row) => {
    const own = responsibilities.subarray(row * size, (row + 1) * size);
    return !(Math.abs(own.reduce((sum, p) => sum + p, 0) - 1) < SLACK);
  });
}

function likeliest(responsibilities: Float32Array, groups: number): Uint32Array {
  return Uint32Array.from({ length: responsibilities.length / groups }, (_, i) => {
    let best = 0;
    for (let k = 1; k < groups; k++) {
      if (
        (responsibilities[i * groups + k] as number) >
        (responsibilities[i * groups + best] as number)
      )
        best = k;
    }
    return best;
  });
}
