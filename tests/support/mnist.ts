/** Real MNIST: beside the project, or wherever the library itself looks for it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImageDataset } from '../../src/data/dataset.ts';
import { loadMnist } from '../../src/data/mnist.node.ts';

const beside = resolve(fileURLToPath(import.meta.url), '../../../../shared/data/mnist');

/** @throws LatentGpuError that names the ways out, if the files are nowhere and cannot be fetched */
export function realMnist(split: 'train' | 'test'): Promise<ImageDataset> {
  const isBeside = !process.env.LATENTGPU_DATA && existsSync(beside);
  return loadMnist({ variant: 'mnist', split, ...(isBeside && { dataDir: beside }) });
}
