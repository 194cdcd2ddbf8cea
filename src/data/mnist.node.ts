// MNIST and Fashion-MNIST from a folder, the cache or the network.
import { dirname, join } from 'node:path';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import { writeFolderFile } from '../formats/atomic.node.ts';
import { cacheFolder } from '../formats/cache.node.ts';
import type { ImageDataset } from './dataset.ts';
import { download } from './download.node.ts';
import { readIfPresent } from './files.node.ts';
import {
  checkFashionDownload,
  type FoundFile,
  MNIST_FILES,
  type MnistSplit,
  type MnistVariant,
  mnistDataset,
  openMnistFile,
} from './mnist.ts';

/** Where the gzipped files are published; tried in this order. */
const MIRRORS: Readonly<Record<MnistVariant, readonly string[]>> = {
  mnist: [
    'https://ossci-datasets.s3.amazonaws.com/mnist/',
    'https://storage.googleapis.com/cvdf-datasets/mnist/',
  ],
  'fashion-mnist': [
    'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
    'https://storage.googleapis.com/tensorflow/tf-keras-datasets/',
  ],
};

/** Twice the largest gzipped file: nothing larger is downloaded. */
const DOWNLOAD_LIMIT = 2 ** 26;

export interface LoadMnistOptions {
  variant: MnistVariant;
  split: MnistSplit;
  /** The folder that holds the files, gzipped or not; nothing else is then looked at. */
  dataDir?: string;
  /** Where downloads are kept: `$XDG_CACHE_HOME/latentgpu`, else `~/.cache/latentgpu`. */
  cacheDir?: string;
  /** Base addresses to download from, in place of the public ones. */
  mirrors?: readonly string[];
  /** How long a mirror may be silent before the next is tried. */
  timeoutMilliseconds?: number;
  /** Told what is being downloaded. */
  onDownload?: (address: string, receivedBytes: number, totalBytes: number | undefined) => void;
}

/**
 * Loads a split of MNIST or Fashion-MNIST.
 *
 * Looks for the IDX files, gzipped or not, in `dataDir`; without one, in the folder that the
 * environment variable `LATENTGPU_DATA` names, then in the cache, then downloads them into the cache.
 * That folder may be MNIST's alone: Fashion-MNIST is then looked for further on. In a folder, `mnist/`
 * (`fashion-mnist/`) is tried before the folder itself. Every file is checked before it is used or kept
 * (see {@link openMnistFile}).
 *
 * @returns bytes `[60000 or 10000, 28, 28]` with labels 0 … 9
 * @throws LatentGpuError `bad-input` if `dataDir` lacks the files, `io` if they can be had nowhere,
 *   `bad-data` or `bad-format` if a file is not the published one
 * @example const data = await loadMnist({ variant: 'mnist', split: 'train' });
 */
export async function loadMnist(options: LoadMnistOptions): Promise<ImageDataset> {
  const { variant, split } = options;
  const { images, labels } = MNIST_FILES[split];
  const found = { images: await find(images, options), labels: await find(labels, options) };
  return mnistDataset(
    variant,
    split,
    found.images.bytes,
    found.labels.bytes,
    dirname(found.images.path),
  );
}

/** Finds, opens and checks one file. */
async function find(file: string, options: LoadMnistOptions): Promise<FoundFile> {
  const { variant, dataDir } = options;
  const environment = process.env.LATENTGPU_DATA;
  const cache = join(options.cacheDir ?? cacheFolder(), variant);
  const roots = dataDir !== undefined ? [dataDir] : environment ? [environment] : [];
  const folders = roots.flatMap((root) => [join(root, variant), root]);
  if (dataDir === undefined) folders.push(cache);
  for (const folder of folders) {
    const local = await look(folder, file);
    if (!local) continue;
    try {
      return { path: local.path, bytes: await openMnistFile(variant, file, local) };
    } catch (error) {
      const isOther = variant === 'fashion-mnist' && folder === environment;
      if (!isOther || !isLatentGpuError(error, 'bad-data')) throw error;
    }
  }
  if (dataDir !== undefined) {
    const why = `${dataDir} holds no ${file} or ${file}.gz (nor does its folder ${variant})`;
    throw new LatentGpuError('bad-input', `${variant}: ${why}; name the right one with --data-dir`);
  }
  return await fetchInto(cache, file, options);
}

/** Some copies of the files have a dot for the second dash. */
async function look(folder: string, file: string): Promise<FoundFile | undefined> {
  const dotted = file.replace('-idx', '.idx');
  for (const name of [file, `${file}.gz`, dotted, `${dotted}.gz`]) {
    const path = join(folder, name);
    const bytes = await readIfPresent(path);
    if (bytes) return { bytes, path };
  }
  return undefined;
}

async function fetchInto(
  cache: string,
  file: string,
  { variant, mirrors = MIRRORS[variant], timeoutMilliseconds = 8000, onDownload }: LoadMnistOptions,
): Promise<FoundFile> {
  const failures: string[] = [];
  for (const mirror of mirrors) {
    const address = `${mirror}${file}.gz`;
    try {
      const bytes = await download(address, {
        limit: DOWNLOAD_LIMIT,
        timeoutMilliseconds,
        onProgress: (received, total) => onDownload?.(address, received, total),
      });
      if (variant === 'fashion-mnist') await checkFashionDownload(file, { bytes, path: address });
      const plain = await openMnistFile(variant, file, { bytes, path: address }, '');
      await writeFolderFile(cache, `${file}.gz`, bytes);
      return { bytes: plain, path: join(cache, `${file}.gz`) };
    } catch (cause) {
      if (!isLatentGpuError(cause)) throw cause;
      failures.push(cause.message);
    }
  }
  throw new LatentGpuError(
    'io',
    `${variant}: no copy of ${file} (${failures.join('; ')}); ` +
      'download the four IDX files elsewhere and name their folder with --data-dir or LATENTGPU_DATA',
  );
}
