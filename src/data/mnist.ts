// MNIST and Fashion-MNIST as bytes: names, digests, and data sets made of the files.
import { LatentGpuError } from '../errors.ts';
import { gunzip, isGzip } from '../formats/gzip.ts';
import { readIdx } from '../formats/idx.ts';
import { sha256 } from '../formats/sha256.ts';
import { checkDataset, type ImageDataset } from './dataset.ts';

/** MNIST (LeCun, Cortes and Burges) and Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017). */
export type MnistVariant = 'mnist' | 'fashion-mnist';
export type MnistSplit = 'train' | 'test';

/** The usual name of each file; any may carry `.gz`. */
export const MNIST_FILES = {
  train: { images: 'train-images-idx3-ubyte', labels: 'train-labels-idx1-ubyte' },
  test: { images: 't10k-images-idx3-ubyte', labels: 't10k-labels-idx1-ubyte' },
} as const;

/** SHA-256 of the uncompressed MNIST files. */
export const MNIST_DIGESTS: Readonly<Record<string, string>> = {
  'train-images-idx3-ubyte': 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
  'train-labels-idx1-ubyte': '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
  't10k-images-idx3-ubyte': '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
  't10k-labels-idx1-ubyte': 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
};

/** SHA-256 of the gzipped Fashion-MNIST files, as they are published. */
const FASHION_DIGESTS: Readonly<Record<string, string>> = {
  'train-images-idx3-ubyte': '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
  'train-labels-idx1-ubyte': 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
  't10k-images-idx3-ubyte': '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
  't10k-labels-idx1-ubyte': '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
};

const COUNTS = { train: 60000, test: 10000 } as const;
const SIDE = 28;
/** The largest of the files, uncompressed: nothing larger is inflated. */
const LARGEST = 16 + COUNTS.train * SIDE * SIDE;

/** A file as it was found: its bytes, gzipped or not, and where they came from. */
export interface FoundFile {
  bytes: Uint8Array;
  path: string;
}

/**
 * Inflates one of the files where needed and checks that it is the published one.
 *
 * MNIST files are checked by their SHA-256. Fashion-MNIST files must not be MNIST files under the same
 * name; beyond that they are checked by shape (see {@link mnistDataset}), because a digest is published
 * of the gzipped files alone, which somebody may have unpacked or packed again: see
 * `checkFashionDownload`.
 *
 * @param file the usual name, without `.gz`
 * @param remedy how to mend it, for the end of the error's line
 * @returns the uncompressed bytes
 * @throws LatentGpuError `bad-data` if the content is another, `bad-format` if it does not inflate
 * @example const imageBytes = await openMnistFile('mnist', MNIST_FILES.train.images, { bytes, path: 'train.gz' });
 */
export async function openMnistFile(
  variant: MnistVariant,
  file: string,
  { bytes, path }: FoundFile,
  remedy = '; delete it or name another folder with --data-dir',
): Promise<Uint8Array> {
  const plain = isGzip(bytes) ? await gunzip(bytes, LARGEST, path) : bytes;
  const expected = MNIST_DIGESTS[file];
  const found = await sha256(plain);
  if (variant === 'mnist' && found !== expected) {
    const why = `is not the MNIST file: SHA-256 expected ${expected}, found ${found}`;
    throw new LatentGpuError('bad-data', `${path} ${why}${remedy}`);
  }
  if (variant === 'fashion-mnist' && found === expected) {
    const why = `is MNIST, not Fashion-MNIST (SHA-256 ${found})`;
    throw new LatentGpuError('bad-data', `${path} ${why}${remedy}`);
  }
  return plain;
}

/**
 * Checks that a gzipped Fashion-MNIST file is the published one.
 *
 * @throws LatentGpuError `bad-data` with both digests
 */
export async function checkFashionDownload(
  file: string,
  { bytes, path }: FoundFile,
): Promise<void> {
  const expected = FASHION_DIGESTS[file];
  const found = await sha256(bytes);
  if (found === expected) return;
  const why = `is not the Fashion-MNIST file: SHA-256 expected ${expected}, found ${found}`;
  throw new LatentGpuError('bad-data', `${path} ${why}`);
}

/**
 * Makes a data set of two checked files of one split.
 *
 * @param images an IDX file of `[60000 or 10000, 28, 28]` bytes, uncompressed
 * @param labels an IDX file of as many bytes, 0 … 9
 * @param source where they came from
 * @throws LatentGpuError `bad-format` or `bad-data` if a file is not such
 * @example const data = mnistDataset('mnist', 'train', imageBytes, labelBytes, 'files of my own');
 */
export function mnistDataset(
  variant: MnistVariant,
  split: MnistSplit,
  images: Uint8Array,
  labels: Uint8Array,
  source: string,
): ImageDataset {
  const count = COUNTS[split];
  const names = MNIST_FILES[split];
  const pictures = readIdx(images, names.images);
  const classes = readIdx(labels, names.labels);
  for (const [{ shape }, name, wanted] of [
    [pictures, names.images, [count, SIDE, SIDE]],
    [classes, names.labels, [count]],
  ] as const) {
    if (shape.join() !== wanted.join()) {
      const why = `holds [${shape}], the ${split} split of ${variant} has [${wanted}]`;
      throw new LatentGpuError('bad-data', `${source}: ${name} ${why}`);
    }
  }
  return checkDataset({
    name: variant,
    count,
    shape: [SIDE, SIDE],
    data: pictures.data,
    labels: classes.data,
    classes: 10,
    source,
  });
}
