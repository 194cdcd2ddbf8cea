// Images as ink on the page's paper: grey values become the ink's opacity, so that they look at
// home in light and dark.
import { Surface } from './surface.ts';
import { theme } from './theme.ts';

/** Height, width and channels of an image; a plain vector is one row. */
export function extents(shape: readonly number[]): [number, number, number] {
  if (shape.length === 1) return [1, shape[0] as number, 1];
  return [shape[0] as number, shape[1] as number, shape[2] ?? 1];
}

/** Images [count, ...shape] of numbers in [0, 1], one below the other. */
export function drawAtlas(
  images: Float32Array,
  count: number,
  shape: readonly number[],
): HTMLCanvasElement {
  const [height, width, channels] = extents(shape);
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height * count;
  const pixels = new ImageData(width, height * count);
  const { data } = pixels;
  const ink = theme().inkRgb;
  const isColored = channels === 3;
  for (let i = 0; i < width * height * count; i++) {
    for (let c = 0; c < 3; c++) {
      data[4 * i + c] = isColored ? 255 * (images[3 * i + c] as number) : (ink[c] as number);
    }
    data[4 * i + 3] = isColored ? 255 : 255 * (images[channels * i] as number);
  }
  (canvas.getContext('2d') as CanvasRenderingContext2D).putImageData(pixels, 0, 0);
  return canvas;
}

export interface TilesOptions {
  readonly columns: number;
  readonly rows: number;
  /** Pixels between tiles. */
  readonly gap?: number;
}

/** A grid of images on a canvas. Rows of it may be shown one at a time. */
export class Tiles {
  private readonly surface: Surface;
  private readonly options: TilesOptions;
  private readonly parts: (Float32Array | undefined)[];
  private shape: readonly number[] = [28, 28];

  constructor(canvas: HTMLCanvasElement, options: TilesOptions) {
    this.options = options;
    this.parts = Array.from({ length: options.rows });
    this.surface = new Surface(canvas, (g, width) => this.paint(g, width));
    this.setShape(this.shape);
  }

  setShape(shape: readonly number[]): void {
    this.shape = shape;
    this.parts.fill(undefined);
    const [height, width] = extents(shape);
    const { columns, rows } = this.options;
    this.surface.canvas.style.aspectRatio = `${columns * width} / ${rows * height}`;
    this.surface.repaint();
  }

  clear(): void {
    this.parts.fill(undefined);
    this.surface.repaint();
  }

  /** Shows images from the given row of the grid on, as many as there are. */
  show(images: Float32Array, fromRow = 0): void {
    const size = this.shape.reduce((a, b) => a * b, 1) * this.options.columns;
    for (let row = fromRow; row < this.options.rows; row++) {
      const part = images.subarray((row - fromRow) * size, (row - fromRow + 1) * size);
      if (part.length > 0) this.parts[row] = part;
    }
    this.surface.repaint();
  }

  private paint(g: CanvasRenderingContext2D, total: number): void {
    const { columns, gap = 4 } = this.options;
    const [height, width] = extents(this.shape);
    const w = (total - (columns - 1) * gap) / columns;
    const h = (w * height) / width;
    g.imageSmoothingQuality = 'high';
    this.parts.forEach((part, row) => {
      const count = part ? part.length / this.shape.reduce((a, b) => a * b, 1) : 0;
      const atlas = part && drawAtlas(part, count, this.shape);
      for (let i = 0; i < columns; i++) {
        const [x, y] = [i * (w + gap), row * (h + gap)];
        g.fillStyle = theme().tile;
        g.beginPath();
        g.roundRect(x, y, w, h, Math.min(5, w / 8));
        g.fill();
        if (atlas && i < count) g.drawImage(atlas, 0, i * height, width, height, x, y, w, h);
      }
    });
  }
}
