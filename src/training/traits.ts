// What data are like, and how they are binarised if nothing is said.
import type { ImageDataset } from '../data/dataset.ts';
import { LatentGpuError } from '../errors.ts';
import type { DataTraits, LikelihoodConfig } from '../models/index.ts';
import type { Binarization } from './binarize.ts';

/** Whether all values are 0 or 1, so that there is nothing to binarise. */
export function isBinary({ data }: ImageDataset): boolean {
  const one = data instanceof Uint8Array ? 255 : 1;
  return data.every((value) => value === 0 || value === one);
}

/**
 * Whether data are plain vectors of numbers that are not all 0 or 1, which a normal decoder describes
 * unless another is asked for.
 */
export function isContinuous(dataset: ImageDataset): boolean {
  const isVector = dataset.shape.length === 1 || dataset.sequence !== undefined;
  return isVector && dataset.data instanceof Float32Array && !isBinary(dataset);
}

/** What defaults of keys depend on. */
export function traitsOf(dataset: ImageDataset): DataTraits {
  const { shape, data, standardized, mask, sequence } = dataset;
  return {
    shape,
    isContinuous: standardized === true || isContinuous(dataset),
    isGrey: standardized !== true && !sequence && (data instanceof Uint8Array || shape.length > 1),
    sequence,
    hasMissing: mask !== undefined,
  };
}

/**
 * `auto` settled: a Bernoulli decoder's grey data are drawn anew at every presentation.
 *
 * @throws LatentGpuError `bad-config` for what the decoder or the data cannot be given
 */
export function chooseBinarization(
  asked: Binarization | 'auto',
  likelihood: LikelihoodConfig,
  dataset: ImageDataset,
): Binarization {
  const bad = (why: string) =>
    new LatentGpuError('bad-config', `binarize is ${asked}, ${why}; leave it out`);
  const isBernoulli = likelihood.kind === 'bernoulli';
  if (asked === 'auto') return isBernoulli && !isBinary(dataset) ? 'resampled' : 'none';
  if (asked !== 'none' && dataset.standardized) {
    throw bad('and standardised data are not binarised');
  }
  if (asked === 'resampled' && !isBernoulli) {
    throw bad(`which goes with a Bernoulli decoder, and likelihood.kind is ${likelihood.kind}`);
  }
  return asked;
}
