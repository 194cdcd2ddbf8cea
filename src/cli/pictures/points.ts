// Data points that a model made, as files.
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
  } else await writePicture(file, pictureOf(inDataUnits(rows, look), count, look, layout));
}
