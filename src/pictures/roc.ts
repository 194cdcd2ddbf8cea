// ROC curves: false positive rates to the right, true positive rates up.
import { Canvas, type Color } from './canvas.ts';
import { drawText } from './lettering.ts';
import { drawAxes, MARGIN, TEXT, viewOf } from './plot.ts';
import type { Picture } from './png.ts';
import { PALETTE } from './scatter.ts';

const CHANCE: Color = [170, 174, 180];
const LEGEND = 44;

/** @param curves points from (0, 0) to (1, 1), numbered from 0 in the legend */
export function rocPicture(
  curves: readonly (readonly (readonly [number, number])[])[],
  size = 460,
): Picture {
  const canvas = new Canvas(
    MARGIN.left + size + MARGIN.right + LEGEND,
    MARGIN.top + size + MARGIN.bottom,
  );
  const view = viewOf({ low: [-0.02, -0.02], span: 1.04 }, size);
  drawAxes(canvas, view, size);
  canvas.polylines([[view.toX(0), view.toY(0), view.toX(1), view.toY(1)]], 0.6, CHANCE);
  curves.forEach((curve, i) => {
    const color = PALETTE[i % PALETTE.length] as Color;
    const line = curve.flatMap(([x, y]) => [view.toX(x), view.toY(y)]);
    canvas.polylines([line], 1.2, color);
    const y = MARGIN.top + 14 + i * 28;
    canvas.disc(MARGIN.left + size + 26, y, 6, color);
    drawText(canvas, String(i), MARGIN.left + size + 40, y - 6.5, 13, TEXT);
  });
  return canvas.toPicture();
}
