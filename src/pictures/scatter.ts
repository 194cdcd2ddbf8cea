// A picture of points in the plane, coloured by label.
import { UNKNOWN_CLASS } from '../constants.ts';
import { LatentGpuError } from '../errors.ts';
import { Canvas, type Color } from './canvas.ts';
import { drawText, textWidth } from './lettering.ts';
import { drawAxes, frameOf, MARGIN, TEXT, viewOf } from './plot.ts';
import type { Picture } from './png.ts';

/** Ten colours that stay apart from each other and from white paper. */
export const PALETTE: readonly Color[] = [
  [37, 99, 201],
  [232, 113, 10],
  [31, 157, 85],
  [214, 40, 57],
  [130, 71, 197],
  [138, 90, 59],
  [224, 85, 159],
  [95, 107, 118],
  [176, 160, 16],
  [15, 163, 184],
];

/** Of what is of no class, or of none that is known. */
const NEUTRAL: Color = [176, 180, 186];

const colorOf = (label: number): Color =>
  label === UNKNOWN_CLASS ? NEUTRAL : (PALETTE[label % PALETTE.length] as Color);

export interface ScatterOptions {
  count: number;
  /** One class index a point, or `UNKNOWN_CLASS`: its colour, and the legend's entries. */
  labels?: ArrayLike<number>;
  /** What the legend calls the classes, in place of their numbers. */
  names?: readonly ('data' | 'model')[];
  /** Side of the square plot in pixels, without margins. */
  size?: number;
}

/** Width of the legend of numbers, and the height of what it says. */
const LEGEND = 44;
const ENTRY = 13;

/**
 * Draws points in the plane, coloured by label, with ticks on both axes and a legend.
 *
 * Both axes have the same scale, so that distances can be compared by eye. Labels beyond the palette's
 * ten colours repeat them.
 *
 * @param points row major `[count, 2]`: x to the right, y up
 * @throws LatentGpuError `bad-input` if sizes do not agree or a point is not finite
 * @example pictures.scatter(Float32Array.of(0, 0, 1, 1), { count: 2, labels: [0, 1] }).width // 774
 */
export function scatter(points: Float32Array, options: ScatterOptions): Picture {
  const { count, labels, names = [], size = 640 } = options;
  const bad = (why: string) => new LatentGpuError('bad-input', `scatter: ${why}`);
  if (!Number.isInteger(count) || count < 1 || points.length !== 2 * count) {
    throw bad(`${points.length} values are not ${count} points of two coordinates`);
  }
  if (labels && labels.length !== count) throw bad(`${labels.length} labels for ${count} points`);
  const broken = points.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) throw bad(`point ${Math.floor(broken / 2)} is not finite`);

  const present = labels ? [...new Set(Array.from(labels))].sort((a, b) => a - b) : [];
  const widest = Math.max(0, ...names.map((name) => textWidth(name, ENTRY)));
  const legend = labels ? Math.max(LEGEND, Math.ceil(26 + widest)) : 0;
  const canvas = new Canvas(
    MARGIN.left + size + MARGIN.right + legend,
    MARGIN.top + size + MARGIN.bottom,
  );
  const view = viewOf(frameOf(points), size);
  drawAxes(canvas, view, size);
  // Few points are drawn large, many small and see-through.
  const radius = Math.min(4.5, Math.max(1.8, (0.24 * size) / Math.sqrt(count + 400)));
  const opacity = count > 3000 ? 0.65 : 0.8;
  for (let i = 0; i < count; i++) {
    const color = colorOf(labels?.[i] ?? 0);
    const x = view.toX(points[2 * i] as number);
    const y = view.toY(points[2 * i + 1] as number);
    canvas.disc(x, y, radius, color, opacity);
  }
  drawLegend(canvas, present, names, size);
  return canvas.toPicture();
}

/** As many entries as fit beside the plot. */
function drawLegend(
  canvas: Canvas,
  present: readonly number[],
  names: readonly string[],
  size: number,
): void {
  const x = MARGIN.left + size + 26;
  const entryHeight = 28;
  present.slice(0, Math.floor(size / entryHeight)).forEach((label, i) => {
    const y = MARGIN.top + 14 + i * entryHeight;
    canvas.disc(x, y, 6, colorOf(label));
    const text = label === UNKNOWN_CLASS ? '-' : (names[label] ?? String(label));
    drawText(canvas, text, x + 14, y - 6.5, ENTRY, TEXT);
  });
}
