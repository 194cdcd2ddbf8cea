// Data points that a model made, as files.
import { LatentGpuError } from '../../errors.ts';
import { writeFileAtomic } from '../../formats/atomic.node.ts';
import { writeWav } from '../../formats/wav.ts';
import {
  appearanceOf,
  exactDataUnits,
  inDataUnits,
  type PictureLayout,
  pictureOf,
} from '../../pictures/points.ts';
import type { LoadedModel } from '../../training/model-folder.node.ts';
import { type OutputFile, writeArray, writePicture } from '../common/files.ts';

/**
 * Writes rows [count, D] as the model makes them: in data units, as an array [..., ...shape] or a
 * picture.
 *
 * @param options.lead extents before those of a data point; default `[count]`
 */
export async function writePoints(
  file: OutputFile,
  rows: Float32Array,
  count: number,
  loaded: LoadedModel,
  options: { readonly lead?: readonly number[] } & PictureLayout = {},
): Promise<void> {
  const { lead = [count], ...layout } = options;
  const look = appearanceOf(loaded);
  if (file.kind === 'npy') {
    await writeArray(file, exactDataUnits(rows, look), [...lead, ...look.shape]);
  } else if (file.kind === 'wav') {
    await writeSounds(file, inDataUnits(rows, look), count, loaded);
  } else await writePicture(file, pictureOf(inDataUnits(rows, look), count, look, layout));
}

/** A file a data point: f.wav, or f.1.wav, f.2.wav … */
async function writeSounds(
  { path }: OutputFile,
  rows: Float32Array,
  count: number,
  { config }: LoadedModel,
): Promise<void> {
  const { shape, sequence } = config.data;
  const size = rows.length / count;
  for (let i = 0; i < count; i++) {
    const data = rows.subarray(i * size, (i + 1) * size);
    const name = count === 1 ? path : path.replace(/\.wav$/i, `.${i + 1}.wav`);
    const sound = { rate: sequence?.rate ?? 0, channels: shape[1] ?? 1, data };
    await writeFileAtomic(name, writeWav(sound));
  }
}

/**
 * Checks that a model's data points can be heard.
 *
 * @throws LatentGpuError `bad-input`
 */
export function checkSound({ path, kind }: OutputFile, dir: string, { config }: LoadedModel): void {
  if (kind !== 'wav' || config.data.sequence?.rate !== undefined) return;
  const why = config.data.sequence
    ? 'holds a model of series without a rate; train it with --rate 8000 (steps a second)'
    : 'holds no model of sequences';
  throw new LatentGpuError('bad-input', `--out ${path}: ${dir} ${why}, or write a .npy`);
}
