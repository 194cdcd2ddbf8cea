// A picture of a grid that a map has bent.
import { Canvas, type Color } from './canvas.ts';
import { drawAxes, type Frame, MARGIN, viewOf } from './plot.ts';
import type { Picture } from './png.ts';

const COLORS: readonly Color[] = [
  [37, 99, 201],
  [214, 40, 57],
];

/**
 * Draws lines of a grid that a map has bent: the first `count` in one colour, the others, which crossed
 * them, in another. What leaves the frame is left out.
 *
 * @param lines each a list of points x, y in the units of the frame
 * @example pictures.gridPicture([[0, 0, 1, 1], [0, 1, 1, 0]], 1, { low: [0, 0], span: 1 }).width // 690
 */
export function gridPicture(
  lines: readonly (readonly number[])[],
  count: number,
  frame: Frame,
  size = 600,
): Picture {
  const canvas = new Canvas(MARGIN.left + size + MARGIN.right, MARGIN.top + size + MARGIN.bottom);
  const view = viewOf(frame, size);
  const [x0, y0] = frame.low;
  const isInside = (x: number, y: number) =>
    x >= x0 && x <= x0 + frame.span && y >= y0 && y <= y0 + frame.span;
  drawAxes(canvas, view, size);
  lines.forEach((line, i) => {
    const color = COLORS[i < count ? 0 : 1] as Color;
    // The lines through the middle of the noise are heavier.
    const radius = i % count === (count - 1) / 2 ? 1.1 : 0.5;
    for (let k = 2; k < line.length; k += 2) {
      const [ax, ay, bx, by] = line.slice(k - 2, k + 2) as [number, number, number, number];
      if (!isInside(ax, ay) || !isInside(bx, by)) continue;
      const segment = [view.toX(ax), view.toY(ay), view.toX(bx), view.toY(by)];
      canvas.polylines([segment], radius, color);
    }
  });
  return canvas.toPicture();
}
