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
import { filesOf, type OutputFile, writeArray, writePicture } from '../common/files.ts';

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
): Promise<string> {
  const { lead = [count], ...layout } = options;
  const look = appearanceOf(loaded);
  if (file.kind === 'npy') {
    await writeArray(file, exactDataUnits(rows, look), [...lead, ...look.shape]);
  } else if (file.kind === 'wav') {
    return await writeSounds(file, inDataUnits(rows, look), count, loaded);
  } else await writePicture(file, pictureOf(inDataUnits(rows, look), count, look, layout));
  return file.path;
}

/** A file a data point: f.wav, or f.1.wav, f.2.wav …; the first one's name. */
async function writeSounds(
  { path }: OutputFile,
  rows: Float32Array,
  count: number,
  { config }: LoadedModel,
): Promise<string> {
  const { shape, sequence } = config.data;
  const size = rows.length / count;
  const paths = filesOf(path, count);
  for (const [i, name] of paths.entries()) {
    const data = rows.subarray(i * size, (i + 1) * size);
    const sound = { rate: sequence?.rate ?? 0, channels: shape[1] ?? 1, data };
    await writeFileAtomic(name, writeWav(sound));
  }
  return paths[0] as string;
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
