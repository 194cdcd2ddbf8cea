// A start for the decoder's last bias: the data's own means, so that training does not begin by
// learning them (as in Burda, Grosse and Salakhutdinov 2016).
import { type ImageDataset, imageSize } from '../data/dataset.ts';
import { LatentGpuError } from '../errors.ts';
import type { Variable } from '../graph/variable.ts';
import { type LikelihoodConfig, lastBias, type Net } from '../models/index.ts';
import type { Binarization } from './binarize.ts';

/** A model whose decoder ends in a layer of numbers that describe data. */
export interface Decoding {
  readonly decoder: Net;
  readonly config: { readonly likelihood: LikelihoodConfig };
}

/** The mean of every feature, as the decoder is to see it; what is missing does not count. */
function featureMeans(dataset: ImageDataset, binarization: Binarization): Float64Array {
  const width = imageSize(dataset);
  const { data, count, mask } = dataset;
  const scale = data instanceof Uint8Array ? 1 / 255 : 1;
  const means = new Float64Array(width);
  const counts = new Float64Array(width).fill(mask ? 0 : count);
  mask?.forEach((seen, i) => {
    counts[i % width] = (counts[i % width] as number) + seen;
  });
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < width; i++) {
      if (mask && !mask[row * width + i]) continue;
      const grey = (data[row * width + i] as number) * scale;
      const value = binarization === 'static' ? Number(grey >= 0.5) : grey;
      means[i] = (means[i] as number) + value / (counts[i] as number);
    }
  }
  return means;
}

/** The means of all features of a channel together. */
function channelMeans(means: Float64Array, { shape, sequence }: ImageDataset): Float64Array {
  const channels = (sequence ? shape[1] : shape[2]) ?? 1;
  const result = new Float64Array(channels);
  means.forEach((mean, i) => {
    const at = i % channels;
    result[at] = (result[at] as number) + (mean * channels) / means.length;
  });
  return result;
}

/**
 * The decoder's last bias with the data's means (those of channels for one of convolutions): their log-odds, clipped to [0.001, 0.999], for a
 * Bernoulli decoder, the means themselves for a normal one.
 *
 * ```ts
 * const [bias, values] = outputBias(model, data, 'none');
 * trainer.runtime.write(bias, values);
 * ```
 *
 * @throws LatentGpuError `bad-config` for a categorical decoder, data with words
 */
export function outputBias(
  model: Decoding,
  dataset: ImageDataset,
  binarization: Binarization,
): [Variable, Float32Array] {
  const { kind } = model.config.likelihood;
  if (kind === 'categorical') {
    throw new LatentGpuError(
      'bad-config',
      'outputBias=data goes with a Bernoulli or normal decoder; leave it out for a categorical one',
    );
  }
  if (dataset.categories) {
    throw new LatentGpuError(
      'bad-config',
      'outputBias=data is of numbers, and these data have columns of words; leave it out',
    );
  }
  const bias = lastBias(model.decoder);
  if (!bias) {
    throw new LatentGpuError(
      'bad-config',
      'outputBias=data goes with a decoder that ends in a bias; leave it out for recurrent nets',
    );
  }
  const values = new Float32Array(bias.size);
  const means = featureMeans(dataset, binarization);
  const shared = bias.size < means.length ? channelMeans(means, dataset) : means;
  shared.forEach((mean, i) => {
    const p = Math.min(0.999, Math.max(0.001, mean));
    values[i] = kind === 'bernoulli' ? Math.log(p / (1 - p)) : mean;
  });
  return [bias, values];
}
