// Lines over an axis, on scales that are linear or logarithmic.
import { paintEmpty } from '../view/empty.ts';
import { Surface } from '../view/surface.ts';
import { theme } from '../view/theme.ts';
import { logTicks, ticks, written } from '../view/ticks.ts';

export interface Line {
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly width?: number;
  readonly alpha?: number;
  readonly dash?: readonly number[];
  /** Whether its points are marked. */
  readonly dots?: boolean;
  /** Written at its end. */
  readonly label?: string;
}

/** What lies between two lines. */
export interface Band {
  readonly color: string;
  readonly points: readonly (readonly [x: number, low: number, high: number])[];
  readonly alpha?: number;
}

export interface PlotOptions {
  readonly x?: 'linear' | 'log';
  readonly y?: 'linear' | 'log';
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** What is written where there is nothing to show. */
  readonly empty: string;
}

export interface Shown {
  readonly lines: readonly Line[];
  readonly bands?: readonly Band[];
  readonly xRange?: readonly [number, number];
  readonly yRange?: readonly [number, number];
}

const MARGIN = { left: 46, right: 12, top: 26, bottom: 34 };

export class Plot {
  readonly surface: Surface;
  private readonly options: PlotOptions;
  private shown: Shown = { lines: [] };

  constructor(canvas: HTMLCanvasElement, options: PlotOptions) {
    this.options = options;
    this.surface = new Surface(canvas, (g, width, height) => this.paint(g, width, height));
  }

  show(shown: Shown): void {
    this.shown = shown;
    this.surface.repaint();
  }

  private paint(g: CanvasRenderingContext2D, width: number, height: number): void {
    const { lines, bands = [], xRange, yRange } = this.shown;
    const { options } = this;
    const { muted, line: rule } = theme();
    const { fontFamily } = getComputedStyle(this.surface.canvas);
    g.font = `11px ${fontFamily}`;
    const xs = [...lines, ...bands].flatMap(({ points }) => points.map(([x]) => x));
    const ys = [
      ...lines.flatMap(({ points }) => points.map(([, y]) => y)),
      ...bands.flatMap(({ points }) => points.flatMap(([, low, high]) => [low, high])),
    ];
    const x = scaleOf(options.x, xRange ?? rangeOf(xs, options.x, 0));
    const y = scaleOf(options.y, yRange ?? rangeOf(ys, options.y, 0.06));
    if (!x || !y || xs.length === 0) {
      paintEmpty(g, width, height, options.empty);
      return;
    }
    const right = width - MARGIN.right;
    const bottom = height - MARGIN.bottom;
    const toX = (value: number) => MARGIN.left + (right - MARGIN.left) * x.at(value);
    const toY = (value: number) => bottom - (bottom - MARGIN.top) * y.at(value);
    g.strokeStyle = rule;
    g.fillStyle = muted;
    g.lineWidth = 1;
    g.textAlign = 'right';
    g.textBaseline = 'middle';
    for (const value of y.ticks(Math.max(2, height / 46))) {
      const at = Math.round(toY(value)) + 0.5;
      stroke(g, [
        [MARGIN.left, at],
        [right, at],
      ]);
      g.fillText(written(value), MARGIN.left - 7, at);
    }
    g.textAlign = 'center';
    g.textBaseline = 'alphabetic';
    for (const value of x.ticks(Math.max(2, width / 80))) {
      // What lies along an axis are steps and draws: there is no half of them.
      if (!Number.isInteger(value)) continue;
      g.fillText(written(value), toX(value), bottom + 15);
    }
    g.textAlign = 'left';
    if (options.yLabel) g.fillText(options.yLabel, 4, 11);
    g.textAlign = 'right';
    if (options.xLabel) g.fillText(options.xLabel, right, height - 4);
    g.save();
    g.beginPath();
    g.rect(MARGIN.left - 4, MARGIN.top - 4, right - MARGIN.left + 8, bottom - MARGIN.top + 8);
    g.clip();
    for (const { color, points, alpha = 0.16 } of bands) {
      g.fillStyle = color;
      g.globalAlpha = alpha;
      g.beginPath();
      for (const [at, low] of points) g.lineTo(toX(at), toY(low));
      for (const [at, , high] of [...points].reverse()) g.lineTo(toX(at), toY(high));
      g.fill();
    }
    g.lineJoin = 'round';
    for (const { color, points, width: thick = 2, alpha = 1, dash = [], dots } of lines) {
      g.strokeStyle = color;
      g.fillStyle = color;
      g.globalAlpha = alpha;
      g.lineWidth = thick;
      g.setLineDash([...dash]);
      const places = points.map(([a, b]) => [toX(a), toY(b)] as const);
      stroke(g, places);
      g.setLineDash([]);
      // A line of one point is a dot, or nothing.
      if (!dots && places.length > 1) continue;
      for (const [a, b] of places) {
        g.beginPath();
        g.arc(a, b, 2.6, 0, 2 * Math.PI);
        g.fill();
      }
    }
    g.restore();
    g.globalAlpha = 1;
    g.textAlign = 'right';
    for (const { color, points, label } of lines) {
      const last = points.at(-1);
      if (!label || !last) continue;
      g.fillStyle = color;
      g.fillText(label, toX(last[0]), toY(last[1]) - 7);
    }
  }
}

function stroke(g: CanvasRenderingContext2D, points: readonly (readonly [number, number])[]): void {
  g.beginPath();
  for (const [x, y] of points) g.lineTo(x, y);
  g.stroke();
}

type Kind = PlotOptions['x'];

/** @returns undefined where there is nothing */
function rangeOf(
  values: readonly number[],
  kind: Kind,
  air: number,
): readonly [number, number] | undefined {
  const shown = values.filter((value) => Number.isFinite(value) && (kind !== 'log' || value > 0));
  if (shown.length === 0) return undefined;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of shown) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (kind === 'log') return low === high ? [low / 2, high * 2] : [low / 1.2, high * 1.2];
  const room = high === low ? Math.max(1, Math.abs(high) * 0.1) : air * (high - low);
  return [low - (air > 0 ? room : 0), high + (air > 0 || high === low ? room : 0)];
}

function scaleOf(kind: Kind, range: readonly [number, number] | undefined) {
  if (!range) return undefined;
  const [low, high] = range;
  if (kind !== 'log') {
    return {
      at: (value: number) => (value - low) / (high - low),
      ticks: (count: number) => ticks(low, high, count),
    };
  }
  const span = Math.log(high / low);
  return {
    at: (value: number) => Math.log(Math.max(value, low / 1e3) / low) / span,
    ticks: (count: number) => logTicks(low, high, count),
  };
}
