// Many images in one picture.
import { LatentGpuError } from '../errors.ts';
import type { Picture } from './png.ts';

export interface GridOptions {
  /** How many images there are. */
  count: number;
  /** Of one image: `[height, width]`, `[height, width, 1 | 3]`; `[features]` is drawn as one row. */
  shape: readonly number[];
  /** Images in a row; a square arrangement unless given. */
  columns?: number;
  /** Pixels between images and around them. */
  gap?: number;
  /** Grey level of the gaps, 0 … 255. */
  background?: number;
  /** Every image pixel becomes a square of this side. */
  scale?: number;
}

/**
 * Arranges images in a grid, row by row from the upper left.
 *
 * @param images row major `[count, ...shape]`: floats in [0, 1] (clamped; NaN is drawn black), or bytes
 * @throws LatentGpuError `bad-input` if the sizes do not agree
 * @example pictures.grid(new Float32Array(4 * 784), { count: 4, shape: [28, 28] }).width // 62
 */
export function grid(images: Float32Array | Uint8Array, options: GridOptions): Picture {
  const { count, columns = Math.ceil(Math.sqrt(count)), gap = 2, background = 64 } = options;
  const layout = describe(images, options, columns);
  const rows = Math.ceil(count / columns);
  const picture = blank(layout, columns, gap + rows * (layout.cellHeight + gap), gap, background);
  for (let i = 0; i < count; i++) {
    const x = gap + (i % columns) * (layout.cellWidth + gap);
    const y = gap + Math.floor(i / columns) * (layout.cellHeight + gap);
    paste(picture, images, i, layout, x, y);
  }
  return picture;
}

/**
 * Arranges reconstructions under what they reconstruct: pairs of rows, data above, reconstruction
 * directly below, and a wider gap to the next pair.
 *
 * ```ts
 * const images = new Float32Array(4 * 784);
 * pictures.pairs(images, images, { count: 4, shape: [28, 28] }).width // 122
 * ```
 *
 * @param data row major `[count, ...shape]`: floats in [0, 1], or bytes
 * @param reconstructions the same shape; floats or bytes independently of `data`
 * @throws LatentGpuError `bad-input` if the sizes do not agree
 */
export function pairs(
  data: Float32Array | Uint8Array,
  reconstructions: Float32Array | Uint8Array,
  options: GridOptions,
): Picture {
  const { count, columns = Math.min(count, 10), gap = 2, background = 64 } = options;
  const layout = describe(data, options, columns);
  describe(reconstructions, options, columns);
  const rows = Math.ceil(count / columns);
  const between = 4 * gap;
  const pairHeight = 2 * layout.cellHeight + gap;
  const height = 2 * gap + rows * pairHeight + (rows - 1) * between;
  const picture = blank(layout, columns, height, gap, background);
  for (let i = 0; i < count; i++) {
    const x = gap + (i % columns) * (layout.cellWidth + gap);
    const y = gap + Math.floor(i / columns) * (pairHeight + between);
    paste(picture, data, i, layout, x, y);
    paste(picture, reconstructions, i, layout, x, y + layout.cellHeight + gap);
  }
  return picture;
}

interface Layout {
  height: number;
  width: number;
  channels: 1 | 3;
  scale: number;
  cellHeight: number;
  cellWidth: number;
}

function describe(
  images: Float32Array | Uint8Array,
  { count, shape, scale = 1 }: GridOptions,
  columns: number,
): Layout {
  const bad = (why: string) => new LatentGpuError('bad-input', `picture grid: ${why}`);
  const [height, width, channels = 1] = shape.length === 1 ? [1, shape[0]] : shape;
  const whole = [height, width, count, columns, scale].every(
    (n) => Number.isInteger(n) && Number(n) > 0,
  );
  if (!whole || shape.length > 3 || (channels !== 1 && channels !== 3)) {
    const why = `cannot draw ${count} images of [${shape}] in ${columns} columns at scale ${scale}`;
    throw bad(`${why} (an image is [height, width] or [height, width, 1 or 3])`);
  }
  const [h, w] = [height as number, width as number];
  if (images.length !== count * h * w * channels) {
    throw bad(`${count} images of [${shape}] do not make ${images.length} values`);
  }
  return { height: h, width: w, channels, scale, cellHeight: h * scale, cellWidth: w * scale };
}

function blank(
  { cellWidth, channels }: Layout,
  columns: number,
  height: number,
  gap: number,
  background: number,
): Picture {
  const width = gap + columns * (cellWidth + gap);
  const data = new Uint8Array(width * height * channels).fill(background);
  return { width, height, channels, data };
}

function paste(
  picture: Picture,
  images: Float32Array | Uint8Array,
  index: number,
  { height, width, channels, scale }: Layout,
  left: number,
  top: number,
): void {
  const bytes = images instanceof Uint8Array;
  const start = index * height * width * channels;
  for (let y = 0; y < height * scale; y++) {
    const row = start + Math.floor(y / scale) * width * channels;
    let to = ((top + y) * picture.width + left) * channels;
    for (let x = 0; x < width * scale; x++) {
      const from = row + Math.floor(x / scale) * channels;
      for (let channel = 0; channel < channels; channel++) {
        const value = images[from + channel] as number;
        // A Uint8Array stores NaN as 0.
        picture.data[to++] = bytes ? value : Math.round(255 * Math.min(1, Math.max(0, value)));
      }
    }
  }
}
