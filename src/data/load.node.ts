// Data sets by name, file or folder: which reader takes which.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import { editDistance } from '../nearest.ts';
import type { DataSpec } from './data-spec.node.ts';
import { checkDataset, type ImageDataset, type LoadedDataset } from './dataset.ts';
import { digits } from './digits.ts';
import { toFloat32 } from './float32.ts';
import { imageFolder } from './image-folder.node.ts';
import { loadFile, refuseColumns } from './load-file.node.ts';
import { checkRowsSeen } from './missing.ts';
import { loadMnist } from './mnist.node.ts';
import { split, take } from './parts.ts';
import { PLANE_DATA, plane } from './plane.ts';
import { SIGNAL_DATA, SIGNAL_WINDOW, signal } from './signals.ts';
import { findSounds, sounds } from './sounds.node.ts';

export type { DataSpec } from './data-spec.node.ts';

/** Names of data sets. */
export const NAMED_DATA = ['digits', 'mnist', 'fashion-mnist', ...PLANE_DATA, ...SIGNAL_DATA];
const FORMATS =
  'an IDX, .npy or .npz file, a table (.csv, .parquet, .jsonl), a WAV file, or a folder of images or sounds';

/**
 * Loads a data set by its name, or from a file or folder.
 *
 * - IDX of any element type, with labels beside it if its name has `images-idx3` and there is a file of the
 *   same name with `labels-idx1`
 * - `.npy` of any of the usual element types, in either order; `.npz` archives of them: `array`, or the array
 *   whose name tells that it is the data of the split, with the classes beside it
 * - text of any name (`.csv`, `.tsv`, `.txt`, `.data`): numbers in columns, with a header or without
 * - tables as Parquet, JSON Lines or JSON
 * - a folder of PNG, JPEG, WebP, BMP or PNM images of one size, or of one folder a class
 *
 * An array is `[count, features]`, `[count, height, width]` or `[count, height, width, 1 or 3]`, and each row a
 * data point of the shape that follows the count. Files may be gzipped, or alone in a zip archive. Infinity is refused in any case, NaN unless
 * values may be missing.
 *
 * @throws LatentGpuError `bad-input` for an unknown name or option, `bad-format` for a file that cannot
 *   be read, `bad-data` for values that cannot be used, `io` where a file cannot be had, `out-of-memory`
 * @example const data = await loadData({ data: 'table.csv', split: 'train', holdOut: 0.1 });
 */
export async function loadData(spec: DataSpec & { float64: true }): Promise<LoadedDataset>;
export async function loadData(spec: DataSpec): Promise<ImageDataset>;
export async function loadData(spec: DataSpec): Promise<LoadedDataset> {
  const { data, count, seed = 0 } = spec;
  if (count !== undefined && (!Number.isInteger(count) || count < 1)) {
    const why = `the number of rows must be a whole number of at least 1, not ${count}`;
    throw new LatentGpuError('bad-input', `${data}: ${why}`);
  }
  const part = spec.split;
  if (NAMED_DATA.includes(data)) refuseColumns(data, spec);
  refuseWindows(data, spec);
  if (data === 'digits') {
    return digits({ count: count ?? (part === 'train' ? 10000 : 2000), seed, split: part });
  }
  if (PLANE_DATA.includes(data)) {
    const points = plane(data, {
      count: count ?? (part === 'train' ? 20_000 : 5000),
      seed,
      split: part,
    });
    return checkDataset(points, spec.range);
  }
  if (SIGNAL_DATA.includes(data)) {
    const rows = { count: count ?? (part === 'train' ? 4000 : 1000), seed, split: part };
    const { window = SIGNAL_WINDOW } = spec.windows ?? {};
    return checkDataset(signal(data, { ...rows, window }), spec.range);
  }
  try {
    const whole =
      data === 'mnist' || data === 'fashion-mnist'
        ? await loadMnist({ ...spec, variant: data })
        : await loadPath(data, spec);
    const rows = checkRowsSeen(count === undefined ? whole : take(whole, count));
    return spec.float64 ? rows : toFloat32(rows);
  } catch (error) {
    if (!(error instanceof RangeError) || !/alloc|array length/i.test(error.message)) throw error;
    throw new LatentGpuError(
      'out-of-memory',
      `${data} does not fit this machine's memory (${error.message}); store fewer rows, or bytes in place of floats`,
    );
  }
}

/** @throws LatentGpuError `bad-input` for windows of what is no series, or is drawn in windows already */
function refuseWindows(data: string, { windows }: DataSpec): void {
  if (!windows || !NAMED_DATA.includes(data)) return;
  if (!SIGNAL_DATA.includes(data)) {
    throw new LatentGpuError(
      'bad-input',
      `--window: ${data} holds no series; leave it out, or name a series: ${SIGNAL_DATA.join(', ')}, a file or WAV files`,
    );
  }
  const said = windows.stride !== undefined ? '--stride' : windows.rate !== undefined && '--rate';
  if (!said) return;
  throw new LatentGpuError(
    'bad-input',
    `${said}: windows of ${data} are drawn one by one; leave it out`,
  );
}

async function loadPath(path: string, spec: DataSpec): Promise<LoadedDataset> {
  const found = await stat(path).catch(() => undefined);
  const { holdOut, seed = 0, split: part } = spec;
  const isWhole = holdOut === undefined;
  const whole = found?.isDirectory()
    ? await loadFolder(path, isWhole ? spec.count : undefined, spec)
    : found && (await loadFile(path, spec));
  if (!whole) throw unknown(path);
  return isWhole ? whole : split(whole, holdOut, seed)[part];
}

function unknown(path: string): LatentGpuError {
  if (path === '-')
    return new LatentGpuError('bad-input', '- is no data set; standard input is /dev/stdin');
  const looksLikePath = /[/\\.]/.test(path);
  const why = looksLikePath ? `no such file or folder: ${path}` : `unknown data set '${path}'`;
  const names = [...NAMED_DATA].sort((a, b) => editDistance(path, a) - editDistance(path, b));
  const guess = looksLikePath ? '' : `did you mean '${names[0]}'? `;
  const hint = `${guess}known: ${NAMED_DATA.join(', ')}, or the path of ${FORMATS}`;
  return new LatentGpuError('bad-input', `${why}; ${hint}`);
}

async function loadFolder(
  path: string,
  count: number | undefined,
  spec: DataSpec,
): Promise<ImageDataset> {
  refuseColumns(path, spec);
  const found = await findSounds(path, spec.windows !== undefined);
  if (found.length > 0)
    return toFloat32(await sounds(path, found, { ...spec, windows: spec.windows }));
  if (spec.windows) {
    throw new LatentGpuError('bad-input', `--window: ${path} holds no .wav file; leave it out`);
  }
  try {
    return await imageFolder(path, count, spec.onProgress, spec.classes);
  } catch (error) {
    const isMnist = isLatentGpuError(error, 'bad-data') && (await hasMnist(path));
    if (!isMnist) throw error;
    throw new LatentGpuError(
      'bad-input',
      `${path} holds MNIST's files; name the data set and the folder, --data mnist --data-dir ${path}, or one of its files`,
    );
  }
}

/** Whether somebody named the folder of the MNIST files in place of the data set. */
async function hasMnist(folder: string): Promise<boolean> {
  const names = ['', '.gz'].map((end) => join(folder, `train-images-idx3-ubyte${end}`));
  const found = await Promise.all(names.map((name) => stat(name).catch(() => undefined)));
  return found.some(Boolean);
}
