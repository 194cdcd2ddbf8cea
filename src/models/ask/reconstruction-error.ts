// How far data are from what a model makes of them: the oldest score of anomalies.
import { type Model, need } from '../model.ts';
import type { Asked } from './interface.ts';
import { type RowSource, rowsFrom, type WorkOptions } from './rows.ts';

/**
 * Whether a model makes anything of data that differs from them.
 *
 * @example reconstructs(buildModel(settledConfig({ family: 'vae', data: { shape: [4] } }))) // true
 */
export const reconstructs = ({ can }: Model): boolean =>
  can.code !== undefined && can.decode !== undefined && can.bijection === undefined;

/** Numbers that are on the host at once: 32 MiB, and as many that the model makes. */
const NUMBERS = 2 ** 23;

/**
 * Mean squared differences of rows 0 to `count` and their reconstructions, as the model sees them and where
 * they are known: [count].
 *
 * @throws LatentGpuError `bad-input` for a model that cannot reconstruct, `interrupted`
 * @example const errors = await reconstructionErrors(openInference(runtime, model), rows, 100);
 */
export async function reconstructionErrors(
  asked: Asked,
  rows: RowSource,
  count: number,
  options: WorkOptions = {},
): Promise<Float64Array> {
  const { model } = asked;
  need(model, 'decode', 'this');
  const width = model.features;
  const errors = new Float64Array(count);
  const most = Math.max(1, Math.floor(NUMBERS / width));
  for (let first = 0; first < count; first += most) {
    const size = Math.min(most, count - first);
    const part = rowsFrom(rows, first, size);
    const { onProgress, ...rest } = options;
    const made = await asked.reconstruct(part, size, 'mean', 0, {
      ...rest,
      ...(onProgress && { onProgress: (done) => onProgress((first + done * size) / count) }),
    });
    const [seen, mask] = [part(0, size), part.mask?.(0, size)];
    for (let row = 0; row < size; row++) {
      let [sum, known] = [0, 0];
      for (let i = row * width; i < (row + 1) * width; i++) {
        if (mask && !mask[i]) continue;
        sum += ((made[i] as number) - (seen[i] as number)) ** 2;
        known += 1;
      }
      errors[first + row] = sum / Math.max(1, known);
    }
  }
  return errors;
}
