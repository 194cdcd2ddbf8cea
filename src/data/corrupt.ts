// Data made strange, to see whether a model notices: turned by a quarter, or with values replaced.
import { LatentGpuError } from '../errors.ts';
import { Random } from '../random.ts';
import { STREAMS } from '../streams.ts';
import { imageSize, type LoadedDataset } from './dataset.ts';

/** What can be done to data, by name. */
export const CORRUPTIONS = ['rotated', 'noised'] as const;
export type Corruption = (typeof CORRUPTIONS)[number];

/** The share of values that are replaced by those of other rows. */
const SHARE = 0.3;

/**
 * The same rows, made strange: `rotated`, images turned by 90°; `noised`, three values in ten replaced
 * by the same feature's of another row, which leaves each feature as it is distributed.
 *
 * @throws LatentGpuError `bad-input` for what is no square image and is to be turned
 */
export function corrupt<T extends LoadedDataset>(dataset: T, how: Corruption, seed: number): T {
  const { count, data, mask, name } = dataset;
  const width = imageSize(dataset);
  const places = how === 'rotated' ? turned(dataset) : undefined;
  const from = new Uint32Array(data.length);
  for (let row = 0; row < count; row++) {
    const random = new Random(seed, STREAMS.corrupted, row);
    for (let j = 0; j < width; j++) {
      const other = places ? row : random.uniform() < SHARE ? random.integer(count) : row;
      from[row * width + j] = other * width + (places?.[j] ?? j);
    }
  }
  const pick = <A extends Uint8Array | Float32Array | Float64Array>(all: A): A => {
    const made = all.slice() as A;
    for (let i = 0; i < made.length; i++) made[i] = all[from[i] as number] as number;
    return made;
  };
  return {
    ...dataset,
    name: `${name}, ${how}`,
    data: pick(data),
    ...(mask && { mask: pick(mask) }),
  };
}

/** Where each value of a turned image comes from. */
function turned({ shape, name }: LoadedDataset): Uint32Array {
  const [height = 1, width = 1, channels = 1] = shape;
  if (shape.length === 1 || height !== width) {
    throw new LatentGpuError(
      'bad-input',
      `--against rotated: ${name} holds [${shape.join(', ')}], no square images; take noised, or name other data`,
    );
  }
  return Uint32Array.from({ length: height * width * channels }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    const [y, x] = [Math.floor(pixel / width), pixel % width];
    return ((height - 1 - x) * width + y) * channels + channel;
  });
}
