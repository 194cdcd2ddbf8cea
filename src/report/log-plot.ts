// Charts with logarithmic axes as SVG: text, made once, that needs no script and takes its colours from
// the page's style sheet (log-plot.css).
import { type Html, html } from './html.ts';

export interface LogAxis {
  readonly label: string;
  readonly low: number;
  readonly high: number;
  /** Where there are lines; default: powers of ten, or 1, 2 and 5 of them where those are few. */
  readonly ticks?: readonly number[];
  readonly format?: (value: number) => string;
}

export type XY = readonly [x: number, y: number];

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where things are in a chart, in pixels. */
export interface Frame extends Size {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  x(value: number): number;
  y(value: number): number;
}

/** Of a letter of 11 pixels, on average. */
const LETTER = 6.1;

export const textWidth = (text: string): number => LETTER * text.length;

const px = (value: number): string => value.toFixed(1);

const plain = (value: number): string =>
  value >= 1e4 || value < 1e-3 ? value.toExponential(0).replace('e+', 'e') : String(value);

export function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const factors = decades < 2.2 ? [1, 2, 5] : [1];
  const step = Math.max(1, Math.ceil(decades / 8));
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    if (power % step !== 0) continue;
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push(value);
    }
  }
  return ticks;
}

export function frameOf({ width, height }: Size, x: LogAxis, y: LogAxis): Frame {
  const texts = (y.ticks ?? logTicks(y.low, y.high)).map(y.format ?? plain);
  const left = 12 + Math.max(14, ...texts.map(textWidth));
  const [right, top, bottom] = [width - 12, 22, height - 38];
  const along = (value: number, { low, high }: LogAxis) =>
    Math.log(value / low) / Math.log(high / low);
  return {
    width,
    height,
    left,
    right,
    top,
    bottom,
    x: (value) => left + (right - left) * along(value, x),
    y: (value) => bottom - (bottom - top) * along(value, y),
  };
}

/** Axes, with whatever `inside` draws in their frame. */
export function chart(
  size: Size,
  x: LogAxis,
  y: LogAxis,
  label: string,
  inside: (frame: Frame) => Html | readonly Html[],
): Html {
  const frame = frameOf(size, x, y);
  const { width, height, left, right, top, bottom } = frame;
  const xTicks = x.ticks ?? logTicks(x.low, x.high);
  const yTicks = y.ticks ?? logTicks(y.low, y.high);
  // Not every line has room for its number.
  let free = Number.NEGATIVE_INFINITY;
  const named = xTicks.map((value) => {
    const text = (x.format ?? plain)(value);
    const [at, half] = [frame.x(value), textWidth(text) / 2];
    if (at - half < free) return undefined;
    free = at + half + 8;
    return html`<text class="tick" x="${px(Math.min(at, width - half - 1))}" y="${px(bottom + 15)}" text-anchor="middle">${text}</text>`;
  });
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${label}">
<g class="grid">${xTicks.map((v) => html`<path d="M${px(frame.x(v))} ${top}V${bottom}"/>`)}${yTicks.map((v) => html`<path d="M${px(left)} ${px(frame.y(v))}H${right}"/>`)}</g>
${named}${yTicks.map(
  (value) =>
    html`<text class="tick" x="${px(left - 6)}" y="${px(frame.y(value) + 4)}" text-anchor="end">${(y.format ?? plain)(value)}</text>`,
)}
<text class="axis" x="${right}" y="${height - 5}" text-anchor="end">${x.label}</text>
<text class="axis" x="2" y="12">${y.label}</text>
${inside(frame)}</svg>
`;
}

/** A line through points given in the units of the axes. */
export function line(frame: Frame, points: readonly XY[], kind: string): Html {
  const path = points.map(([x, y]) => `${px(frame.x(x))} ${px(frame.y(y))}`).join('L');
  return html`<path class="line ${kind}" d="M${path}"/>`;
}

/** The area between two curves over the same places. */
export function band(
  frame: Frame,
  points: readonly (readonly [x: number, low: number, high: number])[],
  kind: string,
): Html {
  const upper = points.map(([x, , high]) => `${px(frame.x(x))} ${px(frame.y(high))}`);
  const lower = points.map(([x, low]) => `${px(frame.x(x))} ${px(frame.y(low))}`).reverse();
  return html`<path class="band ${kind}" d="M${[...upper, ...lower].join('L')}Z"/>`;
}

/** A point with words that are shown to whoever points at it. */
export function dot(frame: Frame, [x, y]: XY, kind: string, words: string, radius = 4): Html {
  return html`<circle class="dot ${kind}" cx="${px(frame.x(x))}" cy="${px(frame.y(y))}" r="${radius}"><title>${words}</title></circle>`;
}
