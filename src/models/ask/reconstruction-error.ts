// How far data are from what a model makes of them: the oldest score of anomalies.
import { type Model, need } from '../family.ts';
import type { Asked } from './interface.ts';
import type { RowSource, WorkOptions } from './rows.ts';

/** Whether a model makes anything of data that differs from them. */
export const reconstructs = ({ can }: Model): boolean =>
  can.code !== undefined && can.decode !== undefined && can.bijection === undefined;

/**
 * Mean squared differences of rows 0 to `count` and their reconstructions, as the model sees them and where
 * they are known: [count].
 *
 * @throws LatentGpuError `bad-input` for a model that cannot reconstruct, `interrupted`
 */
export async function reconstructionErrors(
  asked: Asked,
  rows: RowSource,
  count: number,
  options: WorkOptions = {},
): Promise<Float64Array> {
  const { model } = asked;
  need(model, 'decode', 'this');
  const made = await asked.reconstruct(rows, count, 'mean', 0, options);
  const [seen, mask] = [rows(0, count), rows.mask?.(0, count)];
  const errors = new Float64Array(count);
  const width = model.features;
  for (let row = 0; row < count; row++) {
    let [sum, known] = [0, 0];
    for (let i = row * width; i < (row + 1) * width; i++) {
      if (mask && !mask[i]) continue;
      sum += ((made[i] as number) - (seen[i] as number)) ** 2;
      known += 1;
    }
    errors[row] = sum / Math.max(1, known);
  }
  return errors;
}
