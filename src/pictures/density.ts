// A picture of a density over the plane.
import { LatentGpuError } from '../errors.ts';
import { Canvas, type Color } from './canvas.ts';
import { drawAxes, type Frame, MARGIN, viewOf } from './plot.ts';
import type { Picture } from './png.ts';

/** From nothing to the highest density: each darker than the one before. */
const HEAT: readonly Color[] = [
  [255, 255, 255],
  [214, 234, 226],
  [134, 200, 192],
  [62, 146, 184],
  [44, 82, 152],
  [22, 24, 84],
];
const POINT: Color = [232, 113, 10];

function heat(share: number): Color {
  const place = Math.min(1, Math.max(0, share)) * (HEAT.length - 1);
  const below = Math.min(HEAT.length - 2, Math.floor(place));
  const [from, to] = [HEAT[below] as Color, HEAT[below + 1] as Color];
  const mix = (i: 0 | 1 | 2) => from[i] + (place - below) * (to[i] - from[i]);
  return [mix(0), mix(1), mix(2)];
}

/**
 * Draws a density over a square of the plane, darker where it is higher (its square root, so that tails
 * can be seen), with points of data on top.
 *
 * @param density row major [n, n] from the upper left
 * @param points [count, 2], in the units of the frame
 * @throws LatentGpuError `bad-input` if the density is not square
 * @example pictures.densityPicture([0, 1, 1, 0], { low: [0, 0], span: 1 }).width // 690
 */
export function densityPicture(
  density: ArrayLike<number>,
  frame: Frame,
  points: ArrayLike<number> = [],
  size = 600,
): Picture {
  const cells = Math.round(Math.sqrt(density.length));
  if (cells < 1 || cells * cells !== density.length) {
    throw new LatentGpuError('bad-input', `density: ${density.length} values are no square`);
  }
  const canvas = new Canvas(MARGIN.left + size + MARGIN.right, MARGIN.top + size + MARGIN.bottom);
  const view = viewOf(frame, size);
  let highest = 0;
  for (let i = 0; i < density.length; i++) highest = Math.max(highest, density[i] as number);
  const edge = (i: number) => Math.round((i * size) / cells);
  drawAxes(canvas, view, size);
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      const share = Math.sqrt((density[row * cells + column] as number) / (highest || 1));
      const [left, top] = [edge(column), edge(row)];
      // What is pale lets the axes' lines through.
      canvas.darken(
        MARGIN.left + left,
        MARGIN.top + top,
        edge(column + 1) - left,
        edge(row + 1) - top,
        heat(share),
      );
    }
  }
  for (let i = 0; i < points.length; i += 2) {
    canvas.disc(view.toX(points[i] as number), view.toY(points[i + 1] as number), 1.4, POINT, 0.7);
  }
  return canvas.toPicture();
}
