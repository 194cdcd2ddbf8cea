// What a trained model looks like: samples, reconstructions, its latent space.
import { type ImageDataset, take } from '../../data/dataset.ts';
import type { Standardization } from '../../data/standardize.ts';
import { Autoencoder, type Inference, type WorkOptions } from '../../models/index.ts';
import { principalComponents } from '../../pictures/components.ts';
import { encodePng, type Picture } from '../../pictures/png.ts';
import { scatter } from '../../pictures/scatter.ts';
import { Random } from '../../random.ts';
import { STREAMS } from '../../streams.ts';
import { type Binarization, binarizedRows } from '../../training/index.ts';
import { PICTURES } from '../../training/run-files.ts';
import { greyed } from '../data/traits.ts';
import { CLOUD, cloudPicture } from './clouds.ts';
import { type Appearance, inDataUnits, pairsPicture, pictureOf } from './points.ts';

export const SAMPLES = 100;
const PAIRS = 40;
/** Codes of a scatter plot, unless more are asked for. */
export const CODES = 5000;

/** Codes in the plane that tells most about them. */
export interface PlanarCodes {
  /** [count, 2]. */
  readonly points: Float32Array;
  /** The share of the codes' variance that the plane holds. */
  readonly share: number;
}

/** The codes themselves if they have two dimensions, else their first two principal components. */
export function inThePlane(codes: Float32Array, count: number, latent: number): PlanarCodes {
  if (latent === 2) return { points: codes, share: 1 };
  if (latent > 2) {
    const { projected, variances } = principalComponents(codes, count, latent);
    const total = variances.reduce((a, b) => a + b, 0);
    const [first = 0, second = 0] = variances;
    return { points: projected, share: total > 0 ? (first + second) / total : 1 };
  }
  const points = new Float32Array(2 * count);
  codes.forEach((value, i) => {
    points[2 * i] = value;
  });
  return { points, share: 1 };
}

/**
 * Codes in the plane, by label; those of one dimension along a line, each label above the other.
 *
 * @param size side of the plot in pixels
 */
export function codesPicture(
  { points }: PlanarCodes,
  latent: number,
  { count, labels }: Pick<ImageDataset, 'count' | 'labels'>,
  size?: number,
): Picture {
  const options = { count, ...(labels && { labels }), ...(size !== undefined && { size }) };
  if (latent > 1) return scatter(points, options);
  const lines = points.filter((_, i) => i % 2 === 0);
  const range = lines.reduce((a, b) => Math.max(a, b)) - lines.reduce((a, b) => Math.min(a, b));
  const random = new Random(0, STREAMS.spreadCodes, 0);
  const spread = points.map((value, i) =>
    i % 2 === 0 ? value : 0.08 * (range || 1) * ((labels?.[i >> 1] ?? 0) + 0.8 * random.uniform()),
  );
  return scatter(spread, options);
}

/** Rows that a picture of reconstructions shows, at most. */
export function fewRows({ shape }: Appearance): number {
  return shape.length === 1 ? CLOUD : PAIRS;
}

export interface SamplesOptions extends WorkOptions {
  /** Data rows, as the model sees them, to draw vectors among. */
  readonly among?: Float32Array;
  /** Where there are no data to draw among. */
  readonly count?: number;
}

/**
 * Decoded means of draws from the prior, as images; of plain vectors, draws from the model as points in
 * the plane, among data if there are any.
 */
export async function samplesPicture(
  inference: Inference,
  look: Appearance,
  seed: number,
  { among, count = SAMPLES, ...work }: SamplesOptions = {},
): Promise<Picture> {
  const { features } = inference.model;
  if (look.shape.length === 1 && among) {
    const made = await inference.sample(among.length / features, 'draw', seed, work);
    return cloudPicture(among, made, features);
  }
  const shown = look.shape.length === 1 ? 'draw' : 'mean';
  const made = await inference.sample(count, shown, seed, work);
  return pictureOf(inDataUnits(made, look), count, look);
}

/**
 * Data above their reconstructions; of plain vectors, both as points in the plane.
 *
 * @param data rows, as the model sees them
 */
export async function reconstructionsPicture(
  inference: Inference,
  look: Appearance,
  data: Float32Array,
  work: WorkOptions = {},
): Promise<Picture> {
  const { features } = inference.model;
  const count = data.length / features;
  const again = await inference.reconstruct(data, count, 'mean', 0, work);
  return look.shape.length === 1
    ? cloudPicture(data, again, features)
    : pairsPicture(inDataUnits(data, look), inDataUnits(again, look), count, look);
}

export interface PictureOptions {
  /** As the model sees it: standardised, if the model's data are. */
  readonly dataset: ImageDataset;
  readonly binarization: Binarization;
  readonly seed: number;
  /** Of a model that sees standardised data. */
  readonly standardization?: Standardization;
}

/**
 * Pictures of a model by file name: decoded means of draws from the prior (not of an autoencoder,
 * which has none), data above their reconstructions, and posterior means in the plane. Plain vectors
 * are points in the plane: the data, and draws from the model or reconstructions among them.
 */
export async function picturesOf(
  inference: Inference,
  { dataset, binarization, seed, standardization }: PictureOptions,
): Promise<Map<string, Uint8Array>> {
  const { model } = inference;
  const look: Appearance = { shape: model.config.shape, standardization };
  const pictures = new Map<string, Uint8Array>();
  const rowsOf = (part: ImageDataset) =>
    binarizedRows(part, 0, part.count, greyed(binarization), seed);
  const few = take(dataset, fewRows(look));
  const shown = rowsOf(few);

  if (!(model instanceof Autoencoder)) {
    const picture = await samplesPicture(inference, look, seed, { among: shown });
    pictures.set(PICTURES.samples, encodePng(picture));
  }

  const both = await reconstructionsPicture(inference, look, shown);
  pictures.set(PICTURES.reconstructions, encodePng(both));

  const many = take(dataset, CODES);
  const { mean } = await inference.encode(rowsOf(many), many.count);
  const { latent } = model.config;
  const plot = codesPicture(inThePlane(mean, many.count, latent), latent, many);
  pictures.set(PICTURES.latent, encodePng(plot));
  return pictures;
}
