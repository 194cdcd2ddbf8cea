// A window on the plane: where its points lie on a canvas, and what is painted there.
import { Surface } from '../view/surface.ts';

export interface PlaneFrame {
  /** At the canvas's middle. */
  readonly centre: readonly [number, number];
  /** From there to the nearer edge. */
  readonly reach: number;
}

export interface Places {
  readonly width: number;
  readonly height: number;
  /** Pixels of one unit. */
  readonly unit: number;
  at(x: number, y: number): readonly [number, number];
}

export type PaintPlane = (g: CanvasRenderingContext2D, places: Places) => void;

export class PlaneView {
  readonly surface: Surface;
  frame: PlaneFrame = { centre: [0, 0], reach: 3 };

  constructor(canvas: HTMLCanvasElement, paint: PaintPlane) {
    this.surface = new Surface(canvas, (g, width, height) => paint(g, this.places(width, height)));
  }

  repaint(): void {
    this.surface.repaint();
  }

  private places(width: number, height: number): Places {
    const { centre, reach } = this.frame;
    const unit = Math.min(width, height) / 2 / reach;
    return {
      width,
      height,
      unit,
      at: (x, y) => [width / 2 + unit * (x - centre[0]), height / 2 - unit * (y - centre[1])],
    };
  }

  /** The point of the plane at a place on the canvas, in CSS pixels. */
  from(px: number, py: number): [number, number] {
    const { clientWidth: width, clientHeight: height } = this.surface.canvas;
    const { centre, reach } = this.frame;
    const unit = Math.min(width, height) / 2 / reach;
    return [centre[0] + (px - width / 2) / unit, centre[1] - (py - height / 2) / unit];
  }
}

/** A frame with room for points [n, 2]. */
export function frameAround(points: ArrayLike<number>, air = 1.25): PlaneFrame {
  if (points.length === 0) return { centre: [0, 0], reach: 3 };
  const of = (d: number) =>
    Array.from({ length: points.length / 2 }, (_, i) => points[2 * i + d] as number);
  const ranges = [of(0), of(1)].map((values) => [
    values.reduce((a, b) => Math.min(a, b)),
    values.reduce((a, b) => Math.max(a, b)),
  ]) as [[number, number], [number, number]];
  const reach = Math.max(...ranges.map(([low, high]) => (high - low) / 2), 0.5);
  const [x, y] = ranges.map(([low, high]) => (low + high) / 2) as [number, number];
  return { centre: [x, y], reach: air * reach };
}
