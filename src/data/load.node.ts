import { basename } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { gunzip, isGzip } from '../formats/gzip.ts';
import { isIdx, readIdx } from '../formats/idx.ts';
import { isNpy, readNpy } from '../formats/npy.ts';
import { editDistance } from '../nearest.ts';
import { npyDataset } from './arrays.ts';
import { checkDataset, type ImageDataset, split, take } from './dataset.ts';
import { digits } from './digits.ts';
import { readIfPresent } from './files.node.ts';
import { type LoadMnistOptions, loadMnist } from './mnist.node.ts';

export interface DataSpec extends Pick<LoadMnistOptions, 'cacheDir' | 'mirrors' | 'onDownload'> {
  /** `digits`, `mnist`, `fashion-mnist`, or the path of an IDX image file or a `.npy` file. */
  data: string;
  /** The folder that holds the MNIST files. */
  dataDir?: string;
  split: 'train' | 'test';
  /** At most this many rows, from the first. `digits` makes 10,000 (test: 2,000) unless told. */
  count?: number;
  /** Of the generated digits, and of the rows held out. */
  seed?: number;
  /**
   * For a file: what `test` holds out of it and `train` leaves, a fraction below 1 or a number of
   * rows. Without it, either split is the whole file.
   */
  holdOut?: number;
}

const KNOWN = ['digits', 'mnist', 'fashion-mnist'];

/**
 * Loads a data set by its name or its file.
 *
 * Files: IDX of unsigned bytes `[count, height, width]` or `[count, height, width, 1 | 3]`, gzipped or
 * not, with labels beside it if its name has `images-idx3` and there is a file of the same name with
 * `labels-idx1`; and `.npy`, see {@link npyDataset}.
 *
 * @throws LatentGpuError `bad-input` for an unknown name or option, `bad-format` for a file that cannot
 *   be read, `bad-data` for values that cannot be used, `io` where a file cannot be had
 */
export async function loadData(spec: DataSpec): Promise<ImageDataset> {
  const { data, count, seed = 0 } = spec;
  if (count !== undefined && (!Number.isInteger(count) || count < 1)) {
    const why = `the number of rows must be a whole number of at least 1, not ${count}`;
    throw new LatentGpuError('bad-input', `${data}: ${why}`);
  }
  const part = spec.split;
  if (data === 'digits') {
    return digits({ count: count ?? (part === 'train' ? 10000 : 2000), seed, split: part });
  }
  const whole =
    data === 'mnist' || data === 'fashion-mnist'
      ? await loadMnist({ ...spec, variant: data })
      : await loadFile(data, spec);
  return count === undefined ? whole : take(whole, count);
}

async function loadFile(path: string, spec: DataSpec): Promise<ImageDataset> {
  const bytes = await readIfPresent(path);
  if (!bytes) {
    const looksLikePath = /[/\\.]/.test(path);
    const why = looksLikePath ? `no such file: ${path}` : `unknown data set '${path}'`;
    const names = [...KNOWN].sort((a, b) => editDistance(path, a) - editDistance(path, b));
    const hint = `did you mean '${names[0]}'? known: ${KNOWN.join(', ')}, or the path of an IDX or .npy file`;
    throw new LatentGpuError('bad-input', `${why}; ${hint}`);
  }
  const name = basename(path);
  const plain = isGzip(bytes) ? await gunzip(bytes, undefined, path) : bytes;
  let whole: ImageDataset;
  if (isNpy(plain)) whole = npyDataset(readNpy(plain, path), name, path);
  else if (isIdx(plain)) whole = await idxDataset(plain, name, path);
  else {
    const why = 'is neither an IDX file nor a .npy file (gzipped or not)';
    throw new LatentGpuError('bad-format', `${path} ${why}`);
  }
  if (spec.holdOut === undefined) return whole;
  return split(whole, spec.holdOut, spec.seed ?? 0)[spec.split];
}

async function idxDataset(bytes: Uint8Array, name: string, path: string): Promise<ImageDataset> {
  const { shape, data } = readIdx(bytes, path);
  const [count = 0, ...image] = shape;
  if (
    image.length < 1 ||
    image.length > 3 ||
    (image.length === 3 && ![1, 3].includes(Number(image[2])))
  ) {
    const why = `holds [${shape}], not images [count, height, width] (or with 1 or 3 channels)`;
    throw new LatentGpuError('bad-data', `${path} ${why}`);
  }
  const labels = await labelsBeside(path);
  return checkDataset({
    name,
    count,
    shape: image,
    data,
    source: path,
    ...(labels && {
      labels,
      classes: labels.reduce((most, label) => Math.max(most, label + 1), 0),
    }),
  });
}

async function labelsBeside(path: string): Promise<Uint8Array | undefined> {
  const beside = path.replace(/images([-.])idx3([^/\\]*)$/, 'labels$1idx1$2');
  if (beside === path) return undefined;
  const bytes = await readIfPresent(beside);
  if (!bytes) return undefined;
  const { shape, data } = readIdx(isGzip(bytes) ? await gunzip(bytes) : bytes, beside);
  if (shape.length === 1) return data;
  throw new LatentGpuError('bad-data', `${beside} holds [${shape}], not one label a row`);
}
