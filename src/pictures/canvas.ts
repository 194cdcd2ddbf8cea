// A raster to draw on.
import type { Picture } from './png.ts';

/** Red, green and blue, 0 … 255. */
export type Color = readonly [number, number, number];

/** A white RGB raster on which shapes are drawn with anti-aliased edges, later ones over earlier. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly #pixels: Float32Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#pixels = new Float32Array(width * height * 3).fill(255);
  }

  /** A filled disc; coordinates in pixels, pixel centres at half-integers. */
  disc(x: number, y: number, radius: number, color: Color, opacity = 1): void {
    this.polylines([[x, y, x, y]], radius, color, opacity);
  }

  /**
   * Lines of one thickness with round ends, as one shape: where they cross they do not darken.
   *
   * @param lines each a list of points x, y
   * @param radius half the thickness
   */
  polylines(
    lines: readonly (readonly number[])[],
    radius: number,
    color: Color,
    opacity = 1,
  ): void {
    const reach = radius + 1;
    const box = this.#boxOf(lines, reach);
    const width = box.right - box.left + 1;
    const height = box.bottom - box.top + 1;
    if (width <= 0 || height <= 0) return;
    // Squares of distances to the nearest line, where one is near.
    const nearest = new Float32Array(width * height).fill(Number.POSITIVE_INFINITY);
    for (const line of lines) {
      for (let i = 2; i < line.length; i += 2) {
        const segment = line.slice(i - 2, i + 2);
        const near = this.#boxOf([segment], reach);
        for (let row = near.top; row <= near.bottom; row++) {
          const start = (row - box.top) * width - box.left;
          for (let column = near.left; column <= near.right; column++) {
            const squared = squaredDistance(segment, column + 0.5, row + 0.5);
            if (squared < (nearest[start + column] as number)) nearest[start + column] = squared;
          }
        }
      }
    }
    // A line thinner than a pixel never covers one: it is drawn paler instead.
    const most = opacity * Math.min(1, 2 * radius);
    nearest.forEach((squared, at) => {
      const coverage = Math.min(1, Math.max(0, radius + 0.5 - Math.sqrt(squared)));
      if (coverage === 0) return;
      const row = box.top + Math.floor(at / width);
      this.#blend(box.left + (at % width), row, color, most * coverage);
    });
  }

  /** The pixels within reach of the points of lines, as far as there are any. */
  #boxOf(lines: readonly (readonly number[])[], reach: number) {
    let [x0, y0, x1, y1] = [this.width, this.height, -1, -1];
    for (const line of lines) {
      for (let i = 0; i < line.length; i += 2) {
        const [x, y] = [line[i] as number, line[i + 1] as number];
        x0 = Math.min(x0, x - reach);
        y0 = Math.min(y0, y - reach);
        x1 = Math.max(x1, x + reach);
        y1 = Math.max(y1, y + reach);
      }
    }
    return {
      left: Math.max(0, Math.floor(x0)),
      top: Math.max(0, Math.floor(y0)),
      right: Math.min(this.width - 1, Math.ceil(x1)),
      bottom: Math.min(this.height - 1, Math.ceil(y1)),
    };
  }

  /** Pixels from a corner on, whole ones only, in one colour. */
  rectangle(left: number, top: number, width: number, height: number, color: Color): void {
    for (let row = Math.max(0, top); row < Math.min(this.height, top + height); row++) {
      for (let column = Math.max(0, left); column < Math.min(this.width, left + width); column++) {
        this.#blend(column, row, color, 1);
      }
    }
  }

  /** The same, where it is darker than what is there: lines beneath show through what is pale. */
  darken(left: number, top: number, width: number, height: number, color: Color): void {
    for (let row = Math.max(0, top); row < Math.min(this.height, top + height); row++) {
      for (let column = Math.max(0, left); column < Math.min(this.width, left + width); column++) {
        const at = (row * this.width + column) * 3;
        color.forEach((value, channel) => {
          this.#pixels[at + channel] = Math.min(this.#pixels[at + channel] as number, value);
        });
      }
    }
  }

  toPicture(): Picture {
    const data = new Uint8Array(new Uint8ClampedArray(this.#pixels).buffer);
    return { width: this.width, height: this.height, channels: 3, data };
  }

  #blend(column: number, row: number, color: Color, opacity: number): void {
    if (opacity <= 0) return;
    const at = (row * this.width + column) * 3;
    for (let channel = 0; channel < 3; channel++) {
      const old = this.#pixels[at + channel] as number;
      this.#pixels[at + channel] = old + opacity * ((color[channel] as number) - old);
    }
  }
}

/** The square of the distance from a point to a line from x0, y0 to x1, y1. */
function squaredDistance(segment: readonly number[], x: number, y: number): number {
  const [x0, y0, x1, y1] = segment as [number, number, number, number];
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squared = dx * dx + dy * dy;
  const along = squared > 0 ? ((x - x0) * dx + (y - y0) * dy) / squared : 0;
  const t = Math.min(1, Math.max(0, along));
  return (x - x0 - t * dx) ** 2 + (y - y0 - t * dy) ** 2;
}
