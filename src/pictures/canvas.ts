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
    const xs = lines.flatMap((line) => line.filter((_, i) => i % 2 === 0));
    const ys = lines.flatMap((line) => line.filter((_, i) => i % 2 === 1));
    const reach = radius + 1;
    const left = Math.max(0, Math.floor(Math.min(...xs) - reach));
    const right = Math.min(this.width - 1, Math.ceil(Math.max(...xs) + reach));
    const top = Math.max(0, Math.floor(Math.min(...ys) - reach));
    const bottom = Math.min(this.height - 1, Math.ceil(Math.max(...ys) + reach));
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const distance = distanceTo(lines, column + 0.5, row + 0.5);
        const coverage = Math.min(1, Math.max(0, radius + 0.5 - distance));
        // A line thinner than a pixel never covers one: it is drawn paler instead.
        this.#blend(column, row, color, opacity * coverage * Math.min(1, 2 * radius));
      }
    }
  }

  /** Pixels from a corner on, whole ones only, in one colour. */
  rectangle(left: number, top: number, width: number, height: number, color: Color): void {
    for (let row = Math.max(0, top); row < Math.min(this.height, top + height); row++) {
      for (let column = Math.max(0, left); column < Math.min(this.width, left + width); column++) {
        this.#blend(column, row, color, 1);
      }
    }
  }

  toPicture(): Picture {
    const data = Uint8Array.from(this.#pixels, Math.round);
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

/** The distance from a point to the nearest of the lines. */
function distanceTo(lines: readonly (readonly number[])[], x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    for (let i = 2; i < line.length; i += 2) {
      const x0 = line[i - 2] as number;
      const y0 = line[i - 1] as number;
      const dx = (line[i] as number) - x0;
      const dy = (line[i + 1] as number) - y0;
      const squared = dx * dx + dy * dy;
      const along = squared > 0 ? ((x - x0) * dx + (y - y0) * dy) / squared : 0;
      const t = Math.min(1, Math.max(0, along));
      nearest = Math.min(nearest, Math.hypot(x - x0 - t * dx, y - y0 - t * dy));
    }
  }
  return nearest;
}
