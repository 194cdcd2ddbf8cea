/** Real MNIST: the four files, in the folder that LATENTGPU_DATA names or the one beside the project. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImageDataset } from '../../src/data/dataset.ts';
import { loadMnist } from '../../src/data/mnist.node.ts';

const beside = resolve(fileURLToPath(import.meta.url), '../../../../shared/data/mnist');

/** @throws LatentGpuError `bad-input` that names the folder, if the files are not there */
export function realMnist(split: 'train' | 'test'): Promise<ImageDataset> {
  const dataDir = process.env.LATENTGPU_DATA ?? beside;
  return loadMnist({ variant: 'mnist', split, dataDir });
}
