// What a trained flow looks like: data and draws; in the plane its density, and how it bends a grid.
import { take } from '../../data/dataset.ts';
import { logScale } from '../../data/standardize.ts';
import { type FlowInference, logDensities, type WorkOptions } from '../../models/index.ts';
import { gridPicture } from '../../pictures/deformed-grid.ts';
import { densityPicture } from '../../pictures/density.ts';
import { type Frame, frameOf } from '../../pictures/plot.ts';
import { encodePng, type Picture } from '../../pictures/png.ts';
import { binarizedRows } from '../../training/index.ts';
import { PICTURES } from '../../training/run-files.ts';
import { CLOUD, cloudPicture } from './clouds.ts';
import type { PictureOptions } from './latent.ts';
import { type Appearance, inDataUnits, pictureOf } from './points.ts';

const SAMPLES = 100;
/** Deviation of the noise of draws that are to look well. */
export const COOLER = 0.7;
/** Cells along each side of a density. */
const CELLS = 200;
/** Data on top of it. */
const SHOWN = 400;
/** Lines of noise space in each direction, how far they reach, and points of each. */
const LINES = { count: 21, reach: 3, points: 241 } as const;

/** Pictures of a flow by file name. */
export async function flowPictures(
  inference: FlowInference,
  { dataset, seed, standardization }: PictureOptions,
): Promise<Map<string, Uint8Array>> {
  const { model } = inference;
  const look: Appearance = { shape: model.config.data.shape, standardization };
  const pictures = new Map<string, Picture>();
  if (look.shape.length > 1) {
    pictures.set(PICTURES.samples, await imagesOf(inference, look, seed));
    pictures.set(PICTURES.cooler, await imagesOf(inference, look, seed, { temperature: COOLER }));
  } else {
    const few = take(dataset, CLOUD);
    const seen = binarizedRows(few, 0, few.count, 'none', seed);
    pictures.set(PICTURES.samples, await drawsAmong(inference, look, seed, seen));
    if (model.features === 2) {
      const frame = frameOf(inDataUnits(seen, look));
      pictures.set(PICTURES.density, await densityOver(inference, look, frame, seen));
      pictures.set(PICTURES.grid, await deformedGrid(inference, look, frame));
    }
  }
  return new Map([...pictures].map(([name, picture]) => [name, encodePng(picture)]));
}

export interface PlotOptions extends WorkOptions {
  /** Side of the plot in pixels. */
  readonly size?: number;
}

export interface DrawsOptions extends WorkOptions {
  readonly count?: number;
  /** Deviation of the noise. */
  readonly temperature?: number;
}

/** Draws, as a grid of images, as strips, or as points in the plane. */
export async function imagesOf(
  inference: FlowInference,
  look: Appearance,
  seed: number,
  { count = SAMPLES, ...options }: DrawsOptions = {},
): Promise<Picture> {
  const x = await inference.sample(count, 'draw', seed, options);
  return pictureOf(inDataUnits(x, look), count, look);
}

/**
 * As many draws as data, as points among them.
 *
 * @param seen data as the model sees them
 */
export async function drawsAmong(
  inference: FlowInference,
  look: Appearance,
  seed: number,
  seen: Float32Array,
  { size, ...work }: PlotOptions = {},
): Promise<Picture> {
  const { features } = inference.model;
  const made = await inference.sample(seen.length / features, 'draw', seed, work);
  // Of more features the plane is one in which they count alike.
  const units = (rows: Float32Array) => (features === 2 ? inDataUnits(rows, look) : rows);
  return cloudPicture(units(seen), units(made), features, size);
}

/**
 * Densities at the centres of square cells, as heat, with data on top.
 *
 * @param seen data as the model sees them
 */
export async function densityOver(
  { runtime, model }: FlowInference,
  look: Appearance,
  { low, span }: Frame,
  seen: Float32Array,
  { size, ...work }: PlotOptions = {},
): Promise<Picture> {
  const { standardization } = look;
  const at = (cell: number, axis: 0 | 1) => low[axis] + (span * (cell + 0.5)) / CELLS;
  const rows = (start: number, end: number) => {
    const points = new Float32Array(2 * (end - start));
    for (let i = start; i < end; i++) {
      const place = [at(i % CELLS, 0), at(CELLS - 1 - Math.floor(i / CELLS), 1)] as const;
      for (const axis of [0, 1] as const) {
        const mean = standardization?.mean[axis] ?? 0;
        const std = standardization?.std[axis] ?? 1;
        points[2 * (i - start) + axis] = (place[axis] - mean) / std;
      }
    }
    return points;
  };
  const logProb = await logDensities(runtime, model, rows, CELLS * CELLS, work);
  const scale = logScale(standardization);
  return densityPicture(
    logProb.map((value) => Math.exp(value - scale)),
    { low, span },
    inDataUnits(seen, look).subarray(0, 2 * SHOWN),
    size,
  );
}

/** A square grid of noise space, as the flow carries it to data. */
export async function deformedGrid(
  inference: FlowInference,
  look: Appearance,
  frame: Frame,
  { size, ...work }: PlotOptions = {},
): Promise<Picture> {
  const { count, reach, points } = LINES;
  const along = (i: number, n: number) => reach * ((2 * i) / (n - 1) - 1);
  const noise = new Float32Array(2 * 2 * count * points);
  for (let line = 0; line < 2 * count; line++) {
    const fixed = along(line % count, count);
    for (let i = 0; i < points; i++) {
      const place = 2 * (line * points + i);
      const moving = along(i, points);
      noise.set(line < count ? [fixed, moving] : [moving, fixed], place);
    }
  }
  const bent = await inference.decode(noise, 2 * count * points, 'mean', 0, work);
  const x = inDataUnits(bent, look);
  const lines = Array.from({ length: 2 * count }, (_, i) =>
    Array.from(x.subarray(2 * i * points, 2 * (i + 1) * points)),
  );
  return gridPicture(lines, count, frame, size);
}
