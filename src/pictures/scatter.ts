import { LatentGpuError } from '../errors.ts';
import { Canvas, type Color } from './canvas.ts';
import { drawNumber, numberWidth } from './numerals.ts';
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

export interface ScatterOptions {
  count: number;
  /** One class index a point: its colour, and the legend's entries. */
  labels?: ArrayLike<number>;
  /** Side of the square plot in pixels, without margins. */
  size?: number;
}

const FRAME: Color = [150, 156, 163];
const GRID_LINE: Color = [232, 234, 237];
const TEXT: Color = [70, 76, 84];
const TEXT_HEIGHT = 11;
const MARGIN = { left: 62, right: 28, top: 22, bottom: 44, legend: 44 };

/**
 * Draws points in the plane, coloured by label, with ticks on both axes and a legend.
 *
 * Both axes have the same scale, so that distances can be compared by eye. Labels beyond the palette's
 * ten colours repeat them.
 *
 * @param points row major `[count, 2]`: x to the right, y up
 * @throws LatentGpuError `bad-input` if sizes do not agree or a point is not finite
 */
export function scatter(points: Float32Array, options: ScatterOptions): Picture {
  const { count, labels, size = 640 } = options;
  const bad = (why: string) => new LatentGpuError('bad-input', `scatter: ${why}`);
  if (!Number.isInteger(count) || count < 1 || points.length !== 2 * count) {
    throw bad(`${points.length} values are not ${count} points of two coordinates`);
  }
  if (labels && labels.length !== count) throw bad(`${labels.length} labels for ${count} points`);
  const broken = points.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) throw bad(`point ${Math.floor(broken / 2)} is not finite`);

  const present = labels ? [...new Set(Array.from(labels))].sort((a, b) => a - b) : [];
  const legend = labels ? MARGIN.legend : 0;
  const canvas = new Canvas(
    MARGIN.left + size + MARGIN.right + legend,
    MARGIN.top + size + MARGIN.bottom,
  );
  const view = fitView(points, size);
  drawAxes(canvas, view, size);
  // Few points are drawn large, many small and see-through.
  const radius = Math.min(4.5, Math.max(1.8, (0.24 * size) / Math.sqrt(count + 400)));
  const opacity = count > 3000 ? 0.65 : 0.8;
  for (let i = 0; i < count; i++) {
    const color = PALETTE[(labels?.[i] ?? 0) % PALETTE.length] as Color;
    const x = view.toX(points[2 * i] as number);
    const y = view.toY(points[2 * i + 1] as number);
    canvas.disc(x, y, radius, color, opacity);
  }
  drawLegend(canvas, present, size);
  return canvas.toPicture();
}

interface View {
  low: readonly [number, number];
  span: number;
  toX: (x: number) => number;
  toY: (y: number) => number;
}

/** The smallest square around all points, with a little air. */
function fitView(points: Float32Array, size: number): View {
  const low: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high: [number, number] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  points.forEach((value, i) => {
    const axis = (i % 2) as 0 | 1;
    low[axis] = Math.min(low[axis], value);
    high[axis] = Math.max(high[axis], value);
  });
  const span = 1.06 * Math.max(high[0] - low[0], high[1] - low[1]) || 1;
  const start = [0, 1].map((axis) => ((low[axis] as number) + (high[axis] as number) - span) / 2);
  const [x0, y0] = start as [number, number];
  return {
    low: [x0, y0],
    span,
    toX: (x) => MARGIN.left + (size * (x - x0)) / span,
    toY: (y) => MARGIN.top + size - (size * (y - y0)) / span,
  };
}

function drawAxes(canvas: Canvas, { low, span, toX, toY }: View, size: number): void {
  const [left, top] = [MARGIN.left, MARGIN.top];
  const [right, bottom] = [left + size, top + size];
  const { step, decimals } = tickStep(span);
  const ticks = (from: number) => {
    const first = Math.ceil(from / step);
    const number = Math.floor((from + span) / step) - first + 1;
    return Array.from({ length: number }, (_, i) => (first + i) * step);
  };
  // Lines half a pixel off the grid would smear over two pixels.
  const crisp = (position: number) => Math.floor(position) + 0.5;
  for (const value of ticks(low[0])) {
    const x = crisp(toX(value));
    canvas.polylines([[x, top, x, bottom]], 0.5, GRID_LINE);
    const text = value.toFixed(decimals);
    const textX = x - numberWidth(text, TEXT_HEIGHT) / 2;
    drawNumber(canvas, text, textX, bottom + 13, TEXT_HEIGHT, TEXT);
  }
  for (const value of ticks(low[1])) {
    const y = crisp(toY(value));
    canvas.polylines([[left, y, right, y]], 0.5, GRID_LINE);
    const text = value.toFixed(decimals);
    const textX = left - 11 - numberWidth(text, TEXT_HEIGHT);
    drawNumber(canvas, text, textX, y - TEXT_HEIGHT / 2, TEXT_HEIGHT, TEXT);
  }
  const box = [left, top, right, top, right, bottom, left, bottom, left, top].map(crisp);
  canvas.polylines([box], 0.5, FRAME);
}

/** Between four and ten ticks at multiples of 1, 2 or 5 times a power of ten. */
function tickStep(span: number): { step: number; decimals: number } {
  const rough = span / 7;
  const exponent = Math.floor(Math.log10(rough));
  const leading = rough / 10 ** exponent;
  const factor = leading < 1.5 ? 1 : leading < 3.5 ? 2 : leading < 7.5 ? 5 : 10;
  const decimals = Math.max(0, -exponent - (factor === 10 ? 1 : 0));
  return { step: factor * 10 ** exponent, decimals: Math.min(decimals, 20) };
}

/** As many entries as fit beside the plot. */
function drawLegend(canvas: Canvas, present: readonly number[], size: number): void {
  const x = MARGIN.left + size + 26;
  const entryHeight = 28;
  present.slice(0, Math.floor(size / entryHeight)).forEach((label, i) => {
    const y = MARGIN.top + 14 + i * entryHeight;
    canvas.disc(x, y, 6, PALETTE[label % PALETTE.length] as Color);
    drawNumber(canvas, String(label), x + 14, y - 6.5, 13, TEXT);
  });
}
