// Sequences as lines over time: a panel a data point, all at one scale, a colour a channel.
import { Canvas, type Color } from './canvas.ts';
import { drawText, textWidth } from './lettering.ts';
import { TEXT } from './plot.ts';
import type { Picture } from './png.ts';
import { PALETTE } from './scatter.ts';

/** The width of all panels of a line, about, and of one. */
const WIDTH = 1320;
const PANEL = { least: 60, most: 260 } as const;
const GAP = 10;
const LEFT = 58;
const NUMBERS = 10;
/** Between a panel and its numbers. */
const AIR = 8;
const FRAME: Color = [222, 225, 229];
const ZERO: Color = [236, 238, 241];
/** What is hidden lies on it. */
const HIDDEN: Color = [255, 244, 214];
/** What lines are compared with. */
const TRUTH: Color = [150, 156, 163];

export interface Line {
  /** [steps, channels]. */
  readonly values: ArrayLike<number>;
  /** `truth`: thicker and grey, below the others; `other`: in the colour after the channels' own. */
  readonly as?: 'truth' | 'other';
  /** [steps, channels]: where it is drawn. Default: everywhere. */
  readonly where?: (at: number) => boolean;
}

export interface Panel {
  readonly lines: readonly Line[];
  /** [steps, channels]: 0 where a value is hidden. */
  readonly mask?: ArrayLike<number>;
}

/** @param shape of a data point: [steps] or [steps, channels] */
export function seriesPicture(
  panels: readonly Panel[],
  [steps = 1, channels = 1]: readonly number[],
  columns = usualColumns(panels.length),
): Picture {
  const across = Math.min(columns, panels.length);
  const width = Math.max(PANEL.least, Math.min(PANEL.most, Math.floor(WIDTH / columns)));
  const height = Math.max(40, Math.round(width / 2.4));
  const rows = Math.ceil(panels.length / columns);
  const canvas = new Canvas(LEFT + across * (width + GAP), GAP + rows * (height + GAP));
  const { low, high } = rangeOf(panels);
  const x = (t: number) => 3 + ((width - 6) * t) / Math.max(1, steps - 1);
  const y = (value: number) => 3 + ((height - 6) * (high - value)) / (high - low);
  panels.forEach((panel, i) => {
    const left = LEFT + (i % columns) * (width + GAP);
    const top = GAP + Math.floor(i / columns) * (height + GAP);
    if (i % columns === 0) {
      label(canvas, high, top, left);
      label(canvas, low, top + height - NUMBERS, left);
    }
    const half = (width - 6) / Math.max(1, steps - 1) / 2;
    hiddenStretches(panel, steps, channels, (from, to) => {
      const [a, b] = [Math.max(0, x(from) - half), Math.min(width, x(to) + half)];
      canvas.rectangle(Math.round(left + a), top, Math.round(b - a), height, HIDDEN);
    });
    if (low < 0 && high > 0) {
      const zero = Math.floor(top + y(0)) + 0.5;
      canvas.polylines([[left, zero, left + width, zero]], 0.5, ZERO);
    }
    const [right, bottom] = [left + width, top + height];
    const box = [left, top, right, top, right, bottom, left, bottom, left, top];
    canvas.polylines([box.map((at) => at + 0.5)], 0.5, FRAME);
    const order = [...panel.lines].sort(
      (a, b) => Number(b.as === 'truth') - Number(a.as === 'truth'),
    );
    for (const line of order) {
      for (let c = 0; c < channels; c++) {
        const color = line.as === 'truth' ? TRUTH : colorOf(line.as === 'other' ? c + channels : c);
        const drawn = stretches(line, steps, channels, c).map((stretch) =>
          stretch.flatMap(([t, value]) => [left + x(t), top + y(value)]),
        );
        canvas.polylines(drawn, line.as === 'truth' ? 1.3 : 0.7, color);
      }
    }
  });
  return canvas.toPicture();
}

const colorOf = (i: number) => PALETTE[i % PALETTE.length] as Color;

/** Panels are wider than high. */
const usualColumns = (count: number) => Math.max(1, Math.min(7, Math.ceil(Math.sqrt(count / 2))));

function label(canvas: Canvas, value: number, top: number, right: number): void {
  const plain = String(Number(value.toPrecision(3)));
  const fits = !plain.includes('e') && textWidth(plain, NUMBERS) <= LEFT - AIR;
  const text = fits ? plain : value.toExponential(1).replace('e+', 'e');
  drawText(canvas, text, right - AIR - textWidth(text, NUMBERS), top, NUMBERS, TEXT);
}

function rangeOf(panels: readonly Panel[]): { low: number; high: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { lines } of panels) {
    for (const { values, where } of lines) {
      for (let i = 0; i < values.length; i++) {
        if (where && !where(i)) continue;
        const value = values[i] as number;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
  }
  return low < high ? { low, high } : { low: (low || 0) - 1, high: (low || 0) + 1 };
}

/** The points of a line, in as many parts as it is interrupted. */
function stretches({ values, where }: Line, steps: number, channels: number, channel: number) {
  const all: [number, number][][] = [[]];
  for (let t = 0; t < steps; t++) {
    const at = t * channels + channel;
    if (!where || where(at)) all.at(-1)?.push([t, values[at] as number]);
    else if (all.at(-1)?.length) all.push([]);
  }
  // A lone point is a line of no length.
  return all.map((part) => (part.length === 1 ? [...part, ...part] : part));
}

function hiddenStretches(
  { mask }: Panel,
  steps: number,
  channels: number,
  draw: (from: number, to: number) => void,
): void {
  if (!mask) return;
  const isHidden = (t: number) =>
    t < steps && Array.from({ length: channels }, (_, c) => c).some((c) => !mask[t * channels + c]);
  for (let t = 0; t < steps; t++) {
    if (!isHidden(t)) continue;
    const from = t;
    while (isHidden(t + 1)) t++;
    draw(from, t);
  }
}
