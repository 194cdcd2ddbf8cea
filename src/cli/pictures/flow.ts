// What a trained flow looks like: data and draws; in the plane its density, and how it bends a grid.
import { take } from '../../data/dataset.ts';
import { logScale } from '../../data/standardize.ts';
import { type FlowInference, logDensities } from '../../models/index.ts';
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
/** Of draws that are to look well. */
const COOLER = 0.7;
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
    for (const [name, temperature] of [
      [PICTURES.samples, 1],
      [PICTURES.cooler, COOLER],
    ] as const) {
      const x = await inference.sample(SAMPLES, 'draw', seed, { temperature });
      pictures.set(name, pictureOf(inDataUnits(x, look), SAMPLES, look));
    }
  } else {
    const few = take(dataset, CLOUD);
    const seen = binarizedRows(few, 0, few.count, 'none', seed);
    const made = await inference.sample(few.count, 'draw', seed);
    const isPlane = model.features === 2;
    const units = (rows: Float32Array) => (isPlane ? inDataUnits(rows, look) : rows);
    pictures.set(PICTURES.samples, cloudPicture(units(seen), units(made), model.features));
    if (isPlane) {
      const frame = frameOf(inDataUnits(seen, look));
      pictures.set(PICTURES.density, await density(inference, frame, seen, look));
      pictures.set(PICTURES.grid, await deformed(inference, frame, look));
    }
  }
  return new Map([...pictures].map(([name, picture]) => [name, encodePng(picture)]));
}

/** Log-densities at the centres of square cells, as heat, with data on top. */
async function density(
  { runtime, model }: FlowInference,
  { low, span }: Frame,
  seen: Float32Array,
  look: Appearance,
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
  const logProb = await logDensities(runtime, model, rows, CELLS * CELLS);
  const scale = logScale(standardization);
  return densityPicture(
    logProb.map((value) => Math.exp(value - scale)),
    { low, span },
    inDataUnits(seen, look).subarray(0, 2 * SHOWN),
  );
}

/** A square grid of noise space, as the flow carries it to data. */
async function deformed(
  inference: FlowInference,
  frame: Frame,
  look: Appearance,
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
  const x = inDataUnits(await inference.decode(noise, 2 * count * points), look);
  const lines = Array.from({ length: 2 * count }, (_, i) =>
    Array.from(x.subarray(2 * i * points, 2 * (i + 1) * points)),
  );
  return gridPicture(lines, count, frame);
}
