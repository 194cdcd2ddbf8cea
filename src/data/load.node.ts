// Data sets by name, file or folder: which reader takes which.
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import { type LabelColumn, readCsv, type TableOptions } from '../formats/csv.ts';
import { type AtMost, gunzip, isGzip } from '../formats/gzip.ts';
import { idxSize, isIdx, readIdx, readIdxArray } from '../formats/idx.ts';
import { isNpy, npySize, readNpy } from '../formats/npy.ts';
import { isWav } from '../formats/wav.ts';
import { editDistance } from '../nearest.ts';
import { arrayDataset, type DatasetOptions, tableDataset } from './arrays.ts';
import { checkDataset, type ImageDataset, type LoadedDataset, type ValueRange } from './dataset.ts';
import { digits } from './digits.ts';
import { readIfPresent } from './files.node.ts';
import { toFloat32 } from './float32.ts';
import { foreignFile } from './foreign-files.ts';
import { imageFolder } from './image-folder.node.ts';
import { checkRowsSeen } from './missing.ts';
import { type LoadMnistOptions, loadMnist } from './mnist.node.ts';
import { split, take } from './parts.ts';
import { PLANE_DATA, plane } from './plane.ts';
import { arraySeries, tableSeries } from './series.ts';
import { SIGNAL_DATA, SIGNAL_WINDOW, signal } from './signals.ts';
import { findSounds, sounds } from './sounds.node.ts';
import type { Windows } from './windows.ts';

export interface DataSpec extends Pick<LoadMnistOptions, 'cacheDir' | 'mirrors' | 'onDownload'> {
  /**
   * `digits`, `mnist`, `fashion-mnist`, a density in the plane (`moons` …), a signal (`ecg` …), or the path of
   * a file or of a folder of images or sounds.
   */
  data: string;
  /** The folder that holds the MNIST files. */
  dataDir?: string;
  split: 'train' | 'test';
  /**
   * At most this many rows, from the first. `digits` makes 10,000 (test: 2,000) unless told, densities
   * in the plane 20,000 (test: 5,000).
   */
  count?: number;
  /** Of the generated digits, and of the rows held out. */
  seed?: number;
  /**
   * For a file or folder: what `test` holds out of it and `train` leaves, a fraction below 1 or a number
   * of rows. Without it, either split is the whole file.
   */
  holdOut?: number;
  /** A column of a table that holds classes. */
  labelColumn?: LabelColumn;
  /** How a table is read, and which of its columns. */
  table?: TableOptions;
  /** Names of classes that have their indices already, as another split of the same data gave them. */
  classes?: readonly string[];
  /** That the file holds long series, and how they are cut into data points. */
  windows?: Windows;
  /** Whether numbers stay float64 where the file has them so, because they are to be standardised. */
  float64?: boolean;
  /** `any` for values that are to be standardised; default: `unit`, floats in [0, 1]. */
  range?: ValueRange;
  /** Whether values may be missing (empty cells, `NA`, `?`, NaN), which then have a mask. */
  takesMissing?: boolean;
  /** What else may be done about them, `, or …`, where they are refused. */
  missingRemedy?: string;
  /** Told how much of a large file or a folder of images has been read. */
  onProgress?: (fraction: number) => void;
  /** Told what was decided about a table without being asked for, in one line. */
  onRemark?: (text: string) => void;
}

/** Names of data sets. */
export const NAMED_DATA = ['digits', 'mnist', 'fashion-mnist', ...PLANE_DATA, ...SIGNAL_DATA];
const FORMATS =
  'an IDX or .npy file, a table as text (.csv), a WAV file, or a folder of images or sounds';

/**
 * Loads a data set by its name, or from a file or folder.
 *
 * - IDX of any element type, with labels beside it if its name has `images-idx3` and there is a file of the
 *   same name with `labels-idx1`
 * - `.npy` of any of the usual element types, in either order
 * - text of any name (`.csv`, `.tsv`, `.txt`, `.data`): numbers in columns, with a header or without
 * - a folder of PNG, JPEG or WebP images of one size, or of one folder a class
 *
 * An array is `[count, features]`, `[count, height, width]` or `[count, height, width, 1 or 3]`, and each row a
 * data point of the shape that follows the count. Files may be gzipped. Infinity is refused in any case, NaN unless
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

/** @throws LatentGpuError `bad-input` if something was asked for that only tables have */
function refuseColumns(data: string, { labelColumn, table }: DataSpec): void {
  const isLabelled = labelColumn && !labelColumn.isOptional;
  const asked = isLabelled ? [labelColumn.name] : (table?.columns ?? table?.drop);
  if (!asked) return;
  const hint = isLabelled ? '; labels are those of a .csv file' : '';
  const why = `${data} is no table, so that there is no column ${asked.join(', ')}${hint}`;
  throw new LatentGpuError('bad-input', why);
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
  if (!found) throw unknown(path);
  const { holdOut, seed = 0, split: part } = spec;
  const isWhole = holdOut === undefined;
  const whole = found.isDirectory()
    ? await loadFolder(path, isWhole ? spec.count : undefined, spec)
    : await loadFile(path, spec);
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

async function loadFile(path: string, spec: DataSpec): Promise<LoadedDataset> {
  const { range, labelColumn, classes, onProgress, onRemark } = spec;
  const bytes = await readIfPresent(path, onProgress);
  if (!bytes) throw unknown(path);
  const plain = isGzip(bytes) ? await gunzip(bytes, promised, path) : bytes;
  const { takesMissing = false, missingRemedy = '' } = spec;
  const missing = { takesMissing, missingRemedy };
  const options: DatasetOptions = {
    ...{ name: basename(path), source: path, ...missing },
    ...(range && { range }),
  };
  const isArray = isNpy(plain) || isIdx(plain);
  if (isArray) refuseColumns(path, spec);
  if (isWav(plain)) return await sounds(path, [{ path }], { ...spec, windows: spec.windows });
  if (spec.windows && isArray) {
    const array = isNpy(plain) ? readNpy(plain, path) : readIdxArray(plain, path);
    return arraySeries(array, spec.windows, options);
  }
  if (isNpy(plain)) return arrayDataset(readNpy(plain, path), options);
  if (isArray) return await idxDataset(plain, options);
  refuseForeign(plain);
  if (spec.windows && labelColumn && !labelColumn.isOptional) {
    throw new LatentGpuError(
      'bad-input',
      `--label-column: rows of ${path} are steps of a series, which have no class; leave it out, or --drop the column`,
    );
  }
  const table = readCsv(plain, path, labelColumn, {
    ...spec.table,
    ...missing,
    ...(classes && { classes }),
    ...(spec.windows && { isSeries: true }),
  });
  for (const remark of table.remarks) onRemark?.(remark);
  if (spec.windows) return tableSeries(table, spec.windows, options);
  return tableDataset(table, options);

  /** How large the file is that begins so, or may be at most where it does not say. */
  function promised(head: Uint8Array): number | AtMost | undefined {
    if (isNpy(head)) return npySize(head, path);
    if (isIdx(head)) return idxSize(head, path);
    refuseForeign(head);
    return { atMost: textLimit() };
  }

  function refuseForeign(found: Uint8Array): void {
    const what = foreignFile(found, path);
    if (what) throw new LatentGpuError('bad-format', `${path} ${what}`);
  }
}

/** Text says nothing about its size; numbers made of it take up to four times its memory. */
const textLimit = () => Math.floor(process.availableMemory() / 12);

async function idxDataset(bytes: Uint8Array, options: DatasetOptions): Promise<LoadedDataset> {
  const whole = arrayDataset(readIdxArray(bytes, options.source), options);
  const labels = await labelsBeside(options.source);
  if (!labels) return whole;
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  return checkDataset({ ...whole, labels, classes }, options.range);
}

async function labelsBeside(path: string): Promise<Uint8Array | undefined> {
  const beside = path.replace(/images([-.])idx3([^/\\]*)$/, 'labels$1idx1$2');
  if (beside === path) return undefined;
  const bytes = await readIfPresent(beside);
  if (!bytes) return undefined;
  const { shape, data } = readIdx(
    isGzip(bytes) ? await gunzip(bytes, (head) => idxSize(head, beside), beside) : bytes,
    beside,
  );
  if (shape.length === 1) return data;
  throw new LatentGpuError('bad-data', `${beside} holds [${shape}], not one label a row`);
}
