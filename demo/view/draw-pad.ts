// A small sheet to draw on: a soft pen of the width that the digits are written with.
import { paintEmpty } from './empty.ts';
import { drawAtlas, extents } from './images.ts';
import { Surface } from './surface.ts';

/** The pen's radius in parts of the sheet. */
const PEN = 1 / 20;
/** Milliseconds between reports while something is drawn. */
const REPORT_MS = 60;

export class DrawPad {
  private readonly surface: Surface;
  private readonly changed: (image: Float32Array) => void;
  private shape: readonly number[] = [28, 28];
  private image = new Float32Array(28 * 28);
  private last: readonly [number, number] | undefined;
  private reportedAt = 0;

  /** @param changed told what is on the sheet, a few times a second */
  constructor(canvas: HTMLCanvasElement, changed: (image: Float32Array) => void) {
    this.changed = changed;
    this.surface = new Surface(canvas, (g, width, height) => this.paint(g, width, height));
    this.listen(canvas);
  }

  setShape(shape: readonly number[]): void {
    this.shape = shape;
    const [height, width] = extents(shape);
    this.surface.canvas.style.aspectRatio = `${width} / ${height}`;
    this.show(new Float32Array(height * width));
  }

  show(image: Float32Array): void {
    this.image = image.slice();
    this.surface.repaint();
  }

  get drawn(): Float32Array {
    return this.image;
  }

  get isEmpty(): boolean {
    return this.image.every((value) => value === 0);
  }

  private listen(canvas: HTMLCanvasElement): void {
    const place = ({ offsetX, offsetY }: PointerEvent) => {
      const [height, width] = extents(this.shape);
      return [
        (offsetX / canvas.clientWidth) * width,
        (offsetY / canvas.clientHeight) * height,
      ] as const;
    };
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.stroke(place(event));
    });
    canvas.addEventListener('pointermove', (event) => {
      if (this.last) this.stroke(place(event));
    });
    for (const end of ['pointerup', 'pointercancel'] as const) {
      canvas.addEventListener(end, () => {
        if (!this.last) return;
        this.last = undefined;
        this.report();
      });
    }
  }

  /** A line from where the pen was, whose edge falls off over a pixel. */
  private stroke(to: readonly [number, number]): void {
    const from = this.last ?? to;
    this.last = to;
    const [height, width] = extents(this.shape);
    const radius = PEN * Math.min(height, width);
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const squared = dx * dx + dy * dy;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [px, py] = [x + 0.5 - from[0], y + 0.5 - from[1]];
        const along = squared > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0;
        const off = Math.hypot(px - along * dx, py - along * dy);
        const ink = Math.min(1, Math.max(0, radius + 0.5 - off));
        const at = y * width + x;
        this.image[at] = Math.max(this.image[at] as number, ink);
      }
    }
    this.surface.repaint();
    if (performance.now() - this.reportedAt > REPORT_MS) this.report();
  }

  private report(): void {
    this.reportedAt = performance.now();
    this.changed(this.image.slice());
  }

  private paint(g: CanvasRenderingContext2D, width: number, height: number): void {
    const [rows, columns] = extents(this.shape);
    g.imageSmoothingQuality = 'high';
    g.drawImage(drawAtlas(this.image, 1, [rows, columns]), 0, 0, width, height);
    if (this.isEmpty) paintEmpty(g, width, height, 'Draw here');
  }
}
