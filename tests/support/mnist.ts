/**
 * MNIST where its files are: in the folder that LATENTGPU_DATA names, or beside the project. Elsewhere a stand-in of as
 * many digits of the library, in files of the same names, for which tests hold other figures, no less closely.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll } from 'vitest';
import type { ImageDataset } from '../../src/data/dataset.ts';
import { digits } from '../../src/data/digits.ts';
import { loadMnist } from '../../src/data/mnist.node.ts';
import { MNIST_DIGESTS, MNIST_FILES, type MnistSplit } from '../../src/data/mnist.ts';
import { writeIdx } from '../../src/formats/idx.ts';

const beside = resolve(fileURLToPath(import.meta.url), '../../../../shared/data/mnist');
/** Their folder. */
const real = process.env.LATENTGPU_DATA || (existsSync(beside) ? beside : undefined);

/** Whether tests have MNIST itself: what a test expects then, else of the stand-in. */
export const ofMnist = <T>(published: T, ofStandIn: T): T => (real ? published : ofStandIn);

/** Images of the stand-in that differ, and how often each is there: bench/reference/stand_in.py. */
const PARTS = { train: [10_000, 6], test: [2000, 5] } as const;

function standIn(split: MnistSplit): ImageDataset {
  const [different, times] = PARTS[split];
  const { data, labels, ...rest } = digits({ count: different, seed: 1, split });
  const repeated = (bytes: Uint8Array) => {
    const all = new Uint8Array(times * bytes.length);
    for (let i = 0; i < times; i++) all.set(bytes, i * bytes.length);
    return all;
  };
  return {
    ...rest,
    count: different * times,
    data: repeated(data as Uint8Array),
    labels: repeated(labels as Uint8Array),
  };
}

/** @throws LatentGpuError that names the ways out, if LATENTGPU_DATA names a folder without the files */
export async function mnist(split: MnistSplit): Promise<ImageDataset> {
  if (real) return await loadMnist({ variant: 'mnist', split, dataDir: real });
  console.log(`${split} images: digits of the library, for there is no MNIST here`);
  return standIn(split);
}

/**
 * The four files, those of the test split gzipped; the stand-in's are what the loader takes for MNIST's during the tests
 * of this block.
 *
 * @param folder where a stand-in may be written
 * @returns their folder
 */
export function mnistFiles(folder: () => string): () => string {
  let at = real ?? '';
  const published = { ...MNIST_DIGESTS };
  const digests = MNIST_DIGESTS as Record<string, string>;
  beforeAll(async () => {
    if (real) return;
    at = join(folder(), 'stand-in');
    await mkdir(at, { recursive: true });
    for (const split of ['train', 'test'] as const) {
      const { count, data, labels } = standIn(split);
      const { images, labels: classes } = MNIST_FILES[split];
      for (const [name, shape, numbers] of [
        [images, [count, 28, 28], data],
        [classes, [count], labels],
      ] as const) {
        const bytes = writeIdx({ shape: [...shape], data: numbers as Uint8Array });
        digests[name] = createHash('sha256').update(bytes).digest('hex');
        const isTest = split === 'test';
        await writeFile(join(at, isTest ? `${name}.gz` : name), isTest ? gzipSync(bytes) : bytes);
      }
    }
  }, 60_000);
  afterAll(() => void Object.assign(digests, published));
  return () => at;
}
