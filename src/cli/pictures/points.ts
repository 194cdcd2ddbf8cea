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
import { filledTable, type TableFrame } from '../data/filled.ts';

interface PointsLayout extends PictureLayout {
  /** Extents before those of a data point. Default: `[count]`. */
  readonly lead?: readonly number[];
  /** The class of each row, for a table. */
  readonly labels?: ArrayLike<number> | undefined;
  /** Names of the classes. Default: the model's. */
  readonly classes?: readonly string[] | undefined;
}

/**
 * Writes rows [count, D] as the model makes them: in data units, as an array [..., ...shape], a table, sounds
 * or a picture.
 *
 * @returns the file's path, of several the first one's
 */
export async function writePoints(
  file: OutputFile,
  rows: Float32Array,
  count: number,
  loaded: LoadedModel,
  options: PointsLayout = {},
): Promise<string> {
  const { lead = [count], ...layout } = options;
  const look = appearanceOf(loaded);
  if (file.kind === 'npy') {
    await writeArray(file, exactDataUnits(rows, look), [...lead, ...look.shape]);
  } else if (file.kind === 'csv') {
    const frame = frameOf(loaded, count, options);
    await writeFileAtomic(file.path, filledTable(frame, exactDataUnits(rows, look)));
  } else if (file.kind === 'wav') {
    return await writeSounds(file, inDataUnits(rows, look), count, loaded);
  } else await writePicture(file, pictureOf(inDataUnits(rows, look), count, look, layout));
  return file.path;
}

/** What the table has that a model was trained on, for other rows. */
function frameOf(
  { config: { data }, model: { can }, record }: LoadedModel,
  count: number,
  { labels, classes = data.classNames ?? can.condition?.classes }: PointsLayout,
): TableFrame {
  const labelColumn = record?.data.labelColumn;
  return {
    count,
    ...(data.columns && { columns: data.columns }),
    ...(data.categories && { categories: data.categories }),
    ...(labels && { labels: Uint32Array.from(labels) }),
    ...(classes && { classNames: classes }),
    ...(labelColumn !== undefined && { table: { labelColumn } }),
  };
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
 * Checks that a file can hold a model's data points: a table holds vectors, and sounds are series with a rate.
 *
 * @throws LatentGpuError `bad-input`
 */
export function checkHolds({ path, kind }: OutputFile, dir: string, { config }: LoadedModel): void {
  const { shape, sequence } = config.data;
  const bad = (why: string) => new LatentGpuError('bad-input', `--out ${path}: ${why}`);
  if (kind === 'csv' && shape.length > 1) {
    const what = sequence ? 'series of several channels' : 'images';
    throw bad(`a table holds vectors, and ${dir} a model of ${what}; write a .npy or a .png`);
  }
  if (kind !== 'wav' || sequence?.rate !== undefined) return;
  const why = sequence
    ? 'holds a model of series without a rate; train it with --rate 8000 (steps a second)'
    : 'holds no model of sequences';
  throw bad(`${dir} ${why}, or write a .npy`);
}
