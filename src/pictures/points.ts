// Data points that a model saw or made, as pictures: images of any size and channels, and plain vectors.
import { type Standardization, toOriginal } from '../data/standardize.ts';
import { LatentGpuError } from '../errors.ts';
import { grid, pairs } from './grid.ts';
import { withHoles } from './missing.ts';
import type { Picture } from './png.ts';
import { scatter } from './scatter.ts';
import { seriesPicture } from './series.ts';

/** Pixels of an image's longer side, about; smaller ones are enlarged. */
const IMAGE = 56;
/** Pixels of a vector's cells, at most, and of a row of strips, about. */
const CELL = 16;
const STRIPS = 960;
/** The widest picture that is drawn. */
const WIDEST = 20_000;
/** Colours reach this many deviations to either side of the mean. */
const REACH = 3;

/** How data points are shown: what shape they have, and what was done to their values. */
export interface Appearance {
  readonly shape: readonly number[];
  /** Of a model that sees standardised data. */
  readonly standardization: Standardization | undefined;
  /** Of data points that are sequences. */
  readonly sequence?: object | undefined;
}

/** How the data points of a model, as it lies in its folder, are shown. */
export function appearanceOf({
  config,
  standardization,
}: {
  readonly config: { readonly data: Pick<Appearance, 'shape' | 'sequence'> };
  readonly standardization: Standardization | undefined;
}): Appearance {
  const { shape, sequence } = config.data;
  return { shape, standardization, sequence };
}

/** Plain vectors are points and strips; all else is images, or lines over time. */
export const isVector = ({ shape, sequence }: Pick<Appearance, 'shape' | 'sequence'>): boolean =>
  shape.length === 1 && !sequence;

/** Data in data units, of rows as a model sees or makes them: for pictures. */
export function inDataUnits(rows: Float32Array, look: Appearance): Float32Array {
  const found = exactDataUnits(rows, look);
  return found instanceof Float32Array ? found : Float32Array.from(found);
}

/** The same for a file: float64 where the data need it. */
export function exactDataUnits(
  rows: Float32Array,
  { standardization }: Appearance,
): Float32Array | Float64Array {
  return standardization ? toOriginal(rows, standardization) : rows;
}

/**
 * Images in data units, with values in [0, 1] where they are of another range: black is three
 * deviations below the lowest mean, white as many above the highest.
 */
function inUnitRange(rows: Float32Array, { mean, std }: Standardization): Float32Array {
  // No data within [0, 1] have a deviation above one half; that of a constant pixel counts as 1.
  const fits = (s: number) => s <= 0.5 || s === 1;
  const isUnit = mean.every((m, d) => m >= 0 && m <= 1 && fits(std[d] as number));
  if (isUnit && std.some((s) => s <= 0.5)) return rows;
  const far = (sign: number) => Array.from(mean, (m, d) => m + sign * REACH * (std[d] as number));
  const low = far(-1).reduce((a, b) => Math.min(a, b));
  const high = far(1).reduce((a, b) => Math.max(a, b));
  return rows.map((value) => (value - low) / (high - low));
}

const BELOW = [0.13, 0.4, 0.67] as const;
const MIDDLE = 0.97;
const ABOVE = [0.7, 0.09, 0.17] as const;

/** Every value as a colour: blue below the feature's mean, white at it, red above. */
function inColor(rows: Float32Array, { mean, std }: Standardization): Float32Array {
  const colors = new Float32Array(3 * rows.length);
  rows.forEach((value, i) => {
    const d = i % mean.length;
    const off = (value - (mean[d] as number)) / (REACH * (std[d] as number));
    const strength = Math.min(1, Math.abs(off));
    (off < 0 ? BELOW : ABOVE).forEach((channel, c) => {
      colors[3 * i + c] = MIDDLE + strength * (channel - MIDDLE);
    });
  });
  return colors;
}

/** What `grid` draws of data points. */
function drawable(
  rows: Float32Array,
  { shape, standardization }: Appearance,
  mask?: ArrayLike<number>,
): { readonly images: Float32Array; readonly shape: readonly number[] } {
  const isStrip = shape.length === 1;
  const area = isStrip ? [1, shape[0] as number] : shape;
  const { images, ...of } = !standardization
    ? { images: rows, shape: area }
    : isStrip
      ? { images: inColor(rows, standardization), shape: [...area, 3] }
      : { images: inUnitRange(rows, standardization), shape: area };
  return mask
    ? withHoles(images, of.shape, mask, isStrip && standardization ? 'strip' : 'image')
    : { images, ...of };
}

/** The sides of the squares that pixels and cells become. */
function scaleOf({ shape }: Appearance, columns: number): number {
  const isVector = shape.length === 1;
  const [height, width] = (isVector ? [1, shape[0]] : shape) as [number, number];
  if (columns * width > WIDEST) {
    throw new LatentGpuError(
      'bad-input',
      `a picture of ${columns} columns of [${shape.join(', ')}] would be ${columns * width} pixels wide; write a .npy file`,
    );
  }
  const scale = isVector
    ? Math.min(CELL, Math.floor(STRIPS / (columns * width)))
    : Math.round(IMAGE / Math.max(height, width));
  return Math.max(1, scale);
}

export interface PictureLayout {
  /** Of images, and of strips. */
  readonly columns?: number;
  readonly gap?: number;
  /** [count, ...shape]: 0 where a value is missing. */
  readonly mask?: ArrayLike<number>;
  /** Which series each point belongs to, for points in the plane. */
  readonly series?: ArrayLike<number>;
}

/**
 * A picture of data points [count, ...shape] in data units: a grid of images; of sequences lines over time;
 * points in the plane if they have two features; else a strip of cells each.
 */
export function pictureOf(
  rows: Float32Array,
  count: number,
  look: Appearance,
  { columns, gap, series, mask }: PictureLayout = {},
): Picture {
  const [features = 1] = look.shape;
  const isVector = look.shape.length === 1;
  if (look.sequence) {
    const panels = eachOf(rows, count).map((values, i) => {
      const seen = seenOf(mask, i, values.length);
      return { ...seen, lines: [{ values, ...seen }] };
    });
    return seriesPicture(panels, look.shape, columns);
  }
  if (isVector && features === 2)
    return scatter(rows, { count, ...(series && { labels: series }) });
  // About as wide as high.
  const usual = Math.ceil(Math.sqrt(isVector ? count / features : count));
  const wanted = columns ?? usual;
  const { images, shape } = drawable(rows, look, mask);
  return grid(images, {
    shape,
    count,
    columns: wanted,
    scale: scaleOf(look, wanted),
    ...(gap !== undefined && { gap }),
  });
}

/** Rows [count, D] apart. */
const eachOf = (rows: Float32Array, count: number): Float32Array[] => {
  const size = rows.length / count;
  return Array.from({ length: count }, (_, i) => rows.subarray(i * size, (i + 1) * size));
};

/** Of a sequence, what is hidden in its panel, and where its line is drawn. */
function seenOf(mask: ArrayLike<number> | undefined, i: number, size: number) {
  if (!mask) return {};
  const own = Array.from({ length: size }, (_, at) => Number(mask[i * size + at]));
  return { mask: own, where: (at: number) => own[at] !== 0 };
}

/**
 * A picture of images above their reconstructions, both [count, ...shape] in data units; of sequences grey,
 * and their reconstructions over them.
 *
 * @param mask of the data, 0 where a value is missing
 */
export function pairsPicture(
  data: Float32Array,
  again: Float32Array,
  count: number,
  look: Appearance,
  mask?: ArrayLike<number>,
): Picture {
  if (look.sequence) {
    const made = eachOf(again, count);
    const panels = eachOf(data, count).map((values, i) => {
      const seen = seenOf(mask, i, values.length);
      const truth = { values, as: 'truth' as const, ...seen };
      return { ...seen, lines: [truth, { values: made[i] as Float32Array }] };
    });
    return seriesPicture(panels, look.shape);
  }
  const columns = Math.min(count, 10);
  const { images, shape } = drawable(data, look, mask);
  const options = { shape, count, columns, scale: scaleOf(look, columns) };
  const whole = mask && new Uint8Array(mask.length).fill(1);
  return pairs(images, drawable(again, look, whole).images, options);
}
