// What plots in the plane have in common: a frame, its axes, and where points lie in it.
import type { Canvas, Color } from './canvas.ts';
import { drawText, textWidth } from './lettering.ts';

const FRAME: Color = [150, 156, 163];
const GRID_LINE: Color = [232, 234, 237];
export const TEXT: Color = [70, 76, 84];
const TEXT_HEIGHT = 11;
/** Between a plot and its numbers. */
const AIR = 11;
export const MARGIN = { left: 62, right: 28, top: 22, bottom: 44 } as const;

/** A square part of the plane: its lower left corner and its side. */
export interface Frame {
  readonly low: readonly [number, number];
  readonly span: number;
}

/** A frame on a canvas, in pixels. */
export interface View extends Frame {
  readonly toX: (x: number) => number;
  readonly toY: (y: number) => number;
}

/**
 * The smallest square around all points, with a little air.
 *
 * @example pictures.frameOf([0, 0, 1, 1]).span // 1.06
 */
export function frameOf(points: ArrayLike<number>): Frame {
  const low: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high: [number, number] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < points.length; i++) {
    const axis = (i % 2) as 0 | 1;
    low[axis] = Math.min(low[axis], points[i] as number);
    high[axis] = Math.max(high[axis], points[i] as number);
  }
  const span = 1.06 * Math.max(high[0] - low[0], high[1] - low[1]) || 1;
  const start = [0, 1].map((axis) => ((low[axis] as number) + (high[axis] as number) - span) / 2);
  const [x0, y0] = start as [number, number];
  return { low: [x0, y0], span };
}

/** @param size side of the plot in pixels */
export function viewOf({ low, span }: Frame, size: number): View {
  const [x0, y0] = low;
  return {
    low,
    span,
    toX: (x) => MARGIN.left + (size * (x - x0)) / span,
    toY: (y) => MARGIN.top + size - (size * (y - y0)) / span,
  };
}

/** Ticks on both axes, lines at them, and a box around the plot. */
export function drawAxes(canvas: Canvas, { low, span, toX, toY }: View, size: number): void {
  const [left, top] = [MARGIN.left, MARGIN.top];
  const [right, bottom] = [left + size, top + size];
  const step = tickStep(span);
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
    const text = numberText(value, step);
    const textX = x - textWidth(text, TEXT_HEIGHT) / 2;
    drawText(canvas, text, textX, bottom + 13, TEXT_HEIGHT, TEXT);
  }
  for (const value of ticks(low[1])) {
    const y = crisp(toY(value));
    canvas.polylines([[left, y, right, y]], 0.5, GRID_LINE);
    const text = numberText(value, step);
    const textX = left - AIR - textWidth(text, TEXT_HEIGHT);
    drawText(canvas, text, textX, y - TEXT_HEIGHT / 2, TEXT_HEIGHT, TEXT);
  }
  const box = [left, top, right, top, right, bottom, left, bottom, left, top].map(crisp);
  canvas.polylines([box], 0.5, FRAME);
}

/** Between four and ten ticks at multiples of 1, 2 or 5 times a power of ten. */
function tickStep(span: number): number {
  const rough = span / 7;
  const exponent = Math.floor(Math.log10(rough));
  const leading = rough / 10 ** exponent;
  const factor = leading < 1.5 ? 1 : leading < 3.5 ? 2 : leading < 7.5 ? 5 : 10;
  return factor * 10 ** exponent;
}

/** A multiple of a step with the digits that tell it from the next: as it is written, or as 1.5e12. */
export function numberText(value: number, step: number): string {
  const last = Math.floor(Math.log10(step) + 1e-9);
  const first = Math.floor(Math.log10(Math.abs(value)) + 1e-9);
  const plain = last < -20 || first > 20 ? '' : value.toFixed(Math.max(0, -last));
  if (plain !== '' && textWidth(plain, TEXT_HEIGHT) <= MARGIN.left - AIR) return plain;
  if (value === 0) return '0';
  const digits = Math.min(16, Math.max(0, first - last));
  const short = value.toExponential(digits).replace('e+', 'e');
  return plain !== '' && plain.length <= short.length ? plain : short;
}
