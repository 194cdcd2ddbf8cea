// What a trained model looks like: samples, reconstructions, its latent space.
import { type ImageDataset, take } from '../data/dataset.ts';
import { Autoencoder, type Inference } from '../models/index.ts';
import { principalComponents } from '../pictures/components.ts';
import { grid, pairs } from '../pictures/grid.ts';
import { encodePng } from '../pictures/png.ts';
import { scatter } from '../pictures/scatter.ts';
import { PICTURES } from '../training/folder.node.ts';
import { type Binarization, binarizedRows } from '../training/index.ts';

const SAMPLES = 100;
const PAIRS = 40;
const CODES = 5000;
const SCALE = 2;

/** Data rows as an encoder is shown them; drawn ones would add noise to a picture, so stay grey. */
function rowsOf(dataset: ImageDataset, binarization: Binarization, seed: number): Float32Array {
  const shown = binarization === 'resampled' ? 'none' : binarization;
  return binarizedRows(dataset, 0, dataset.count, shown, seed);
}

/** The two coordinates that tell most about the codes, [count, 2]. */
function inThePlane(codes: Float32Array, count: number, latent: number): Float32Array {
  if (latent === 2) return codes;
  if (latent > 2) return principalComponents(codes, count, latent).projected;
  const points = new Float32Array(2 * count);
  codes.forEach((value, i) => {
    points[2 * i] = value;
  });
  return points;
}

export interface PictureOptions {
  readonly dataset: ImageDataset;
  readonly binarization: Binarization;
  readonly seed: number;
}

/**
 * Pictures of a model by file name: decoded means of draws from the prior (not of an autoencoder,
 * which has none), data above their reconstructions, and posterior means in the plane.
 */
export async function picturesOf(
  inference: Inference,
  { dataset, binarization, seed }: PictureOptions,
): Promise<Map<string, Uint8Array>> {
  const { model } = inference;
  const shape = model.config.shape;
  const pictures = new Map<string, Uint8Array>();
  if (!(model instanceof Autoencoder)) {
    const samples = await inference.sample(SAMPLES, 'mean', seed);
    const picture = grid(samples, { count: SAMPLES, shape, scale: SCALE });
    pictures.set(PICTURES.samples, encodePng(picture));
  }

  const few = take(dataset, PAIRS);
  const shown = rowsOf(few, binarization, seed);
  const again = await inference.reconstruct(shown, few.count);
  const both = pairs(shown, again, { count: few.count, shape, scale: SCALE });
  pictures.set(PICTURES.reconstructions, encodePng(both));

  const many = take(dataset, CODES);
  const { mean } = await inference.encode(rowsOf(many, binarization, seed), many.count);
  const points = inThePlane(mean, many.count, model.config.latent);
  const plot = scatter(points, {
    count: many.count,
    ...(many.labels && { labels: many.labels }),
  });
  pictures.set(PICTURES.latent, encodePng(plot));
  return pictures;
}
