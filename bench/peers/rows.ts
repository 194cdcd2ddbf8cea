// The rows of the table: what is done, how closely it must agree with float64, what is aimed at.
import { type ReferenceResults, references } from './reference/models.ts';

export interface Work {
  readonly row: number;
  readonly name: string;
  /** A method of `Engine`, and what it is given. */
  readonly kind: keyof typeof references;
  readonly args: readonly (number | string)[];
  /** Largest error, as a share of the largest value. */
  readonly tolerance: number;
  /** How many times as fast as the fastest peer on WebGPU this library is meant to be. */
  readonly aim: number;
}

/** A sum of n float32 products errs by about √n · 2⁻²⁴; longer programs have more of them. */
const [CLOSE, FAR] = [1e-5, 1e-4];

function work(
  row: number,
  name: string,
  aim: number,
  tolerance: number,
  kind: Work['kind'],
  ...args: (number | string)[]
): Work {
  return { row, name, kind, args, tolerance, aim };
}

export const WORKS: readonly Work[] = [
  work(1, 'product 512×784×512', 2.3, CLOSE, 'product', 512, 784, 512),
  work(1, 'product 512³', 2.3, CLOSE, 'product', 512, 512, 512),
  work(2, 'VAE step, batch 100', 2.6, FAR, 'training', 100, 1),
  work(3, 'IWAE step, batch 20, K = 5', 2.7, FAR, 'training', 20, 5),
  work(3, 'IWAE step, batch 20, K = 50', 2.7, FAR, 'training', 20, 50),
  work(4, 'sample 1 image', 3.5, FAR, 'sampling', 1),
  work(4, 'sample 64 images', 2.5, FAR, 'sampling', 64),
  work(4, 'sample 1024 images', 2.3, FAR, 'sampling', 1024),
  work(4, 'sample 4096 images', 2.4, FAR, 'sampling', 4096),
  work(5, 'RealNVP log p', 2.6, FAR, 'flow', 'density'),
  work(5, 'RealNVP inverse', 2.6, FAR, 'flow', 'sampling'),
  work(5, 'RealNVP training step', 2.7, FAR, 'flow', 'training'),
  work(6, 'normal log-density, log-sum-exp', 4.5, CLOSE, 'density'),
  work(7, '200 operations on 1,024 floats', 18, CLOSE, 'chain'),
  work(11, 'EM sums, 60,000 × 50, 10 components', 2.5, FAR, 'mixture'),
  work(12, 'convolution 3×3, 32 images of 28², 32 → 64 maps', 4, FAR, 'convolution'),
  work(13, 'step of a net of convolutions, 16 images', 4, FAR, 'images'),
  work(14, 'step of 64 gated recurrent units, 64 steps, batch 32', 4, FAR, 'recurrent'),
];

/** Rows that are measured in fresh pages. */
export const FRESH = { cold: 8, bytes: 9, memory: 10 } as const;

/** Aims of {@link FRESH}: times move with the machine, bytes (KiB to send, MiB on the GPU) do not. */
export const FRESH_AIMS = { cold: { ratio: 1.2 }, bytes: { most: 12 }, memory: { most: 8 } };

export const ROWS: readonly number[] = [
  ...new Set([...WORKS.map(({ row }) => row), ...Object.values(FRESH)]),
];

export function referenceOf({ kind, args }: Work): ReferenceResults {
  return (references[kind] as (...given: readonly unknown[]) => ReferenceResults)(...args);
}
