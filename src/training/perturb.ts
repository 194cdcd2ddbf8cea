// Values replaced at random in every step, for a background model, which learns what all data have in
// common and not what makes these what they are (Ren et al. 2019).
import type { ImageDataset } from '../data/dataset.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  floor,
  full,
  less,
  mul,
  randomBernoulli,
  randomNormal,
  randomUniform,
  where,
} from '../ops/index.ts';
import type { Binarization } from './binarize.ts';

/** Grey levels of bytes. */
const LEVELS = 256;

/** @param x this step's rows, before they are drawn as 0 or 1; @param share of their values */
export function perturbed(
  x: Tensor,
  share: number,
  dataset: ImageDataset,
  binarization: Binarization,
): Tensor {
  const isReplaced = less(randomUniform(x.shape), share);
  return where(isReplaced, replacement(x, dataset, binarization), x);
}

/** Any value alike: bits, grey levels, or numbers as far as the data reach; N(0, 1) if standardised. */
function replacement(
  { shape }: Tensor,
  { data, standardized }: ImageDataset,
  binarization: Binarization,
): Tensor {
  if (standardized) return randomNormal(shape);
  const white = data instanceof Uint8Array ? LEVELS - 1 : 1;
  const isBits = binarization === 'once' || binarization === 'static';
  if (isBits || data.every((value) => value === 0 || value === white)) {
    return randomBernoulli(full(shape, 0.5));
  }
  if (data instanceof Uint8Array) {
    return mul(floor(mul(randomUniform(shape), LEVELS)), 1 / (LEVELS - 1));
  }
  const low = data.reduce((a, b) => Math.min(a, b));
  const high = data.reduce((a, b) => Math.max(a, b));
  return add(mul(randomUniform(shape), high - low), low);
}
