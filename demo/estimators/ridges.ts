// Histograms one below the other, on one axis.
import { paintEmpty } from '../view/empty.ts';
import { Surface } from '../view/surface.ts';
import { theme } from '../view/theme.ts';
import { ticks, written } from '../view/ticks.ts';

export interface Ridge {
  readonly name: string;
  readonly color: string;
  readonly draws: Float32Array;
  readonly mean: number;
  readonly deviation: number;
}

const FOOT = 26;
const BINS = 90;

export class Ridges {
  readonly surface: Surface;
  private ridges: readonly Ridge[] = [];
  private reach: readonly [number, number] | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.surface = new Surface(canvas, (g, width, height) => this.paint(g, width, height));
  }

  show(ridges: readonly Ridge[]): void {
    this.ridges = ridges;
    this.reach = this.widened();
    this.surface.repaint();
  }

  /** Room for the widest but one: what is wilder than the others leaves the picture. */
  private widened(): readonly [number, number] | undefined {
    const seen = this.ridges.filter(({ draws, deviation }) => draws.length > 1 && deviation > 0);
    if (seen.length === 0) return undefined;
    const widths = seen.map(({ draws, mean }) => reachOf(draws, mean)).sort((a, b) => b - a);
    const half = 1.25 * (widths[Math.min(1, widths.length - 1)] as number);
    const middle = seen.map(({ mean }) => mean).sort((a, b) => a - b)[seen.length >> 1] as number;
    const before = this.reach;
    const now = [Math.min(0, middle) - half, Math.max(0, middle) + half] as const;
    // The axis moves only where it has to.
    const [low, high] = before ?? now;
    const isNear = high - low < 1.6 * (now[1] - now[0]) && high - low > 0.75 * (now[1] - now[0]);
    return before && isNear && low < middle && middle < high ? before : now;
  }

  private paint(g: CanvasRenderingContext2D, width: number, height: number): void {
    const { ridges, reach } = this;
    const { muted, ink, line } = theme();
    const { fontFamily } = getComputedStyle(this.surface.canvas);
    if (!reach) {
      paintEmpty(g, width, height, 'Press Start: draws come in by the thousand.');
      return;
    }
    const [low, high] = reach;
    const toX = (value: number) => (width * (value - low)) / (high - low);
    g.font = `11px ${fontFamily}`;
    g.lineWidth = 1;
    for (const value of ticks(low, high, width / 90)) {
      g.strokeStyle = line;
      g.beginPath();
      g.moveTo(Math.round(toX(value)) + 0.5, 0);
      g.lineTo(Math.round(toX(value)) + 0.5, height - FOOT + 6);
      g.stroke();
      g.fillStyle = muted;
      g.textAlign = toX(value) < 14 ? 'left' : toX(value) > width - 14 ? 'right' : 'center';
      g.fillText(written(value), toX(value), height - 8);
    }
    const each = (height - FOOT) / ridges.length;
    ridges.forEach((ridge, i) => {
      const floor = each * (i + 1);
      paintRidge(g, ridge, reach, width, floor, each - 20);
      g.textAlign = 'left';
      g.font = `600 12.5px ${fontFamily}`;
      g.fillStyle = ink;
      g.fillText(ridge.name, 10, floor - each + 18);
    });
  }
}

/** How far all but a few draws lie from their mean. */
function reachOf(draws: Float32Array, mean: number): number {
  const away = draws.map((draw) => Math.abs(draw - mean)).sort();
  return away[Math.floor(0.97 * (away.length - 1))] as number;
}

function paintRidge(
  g: CanvasRenderingContext2D,
  { draws, color, mean }: Ridge,
  [low, high]: readonly [number, number],
  width: number,
  floor: number,
  most: number,
): void {
  const bins = new Float64Array(BINS);
  for (const draw of draws) {
    const bin = Math.floor((BINS * (draw - low)) / (high - low));
    if (bin >= 0 && bin < BINS) bins[bin] = (bins[bin] as number) + 1;
  }
  const peak = bins.reduce((a, b) => Math.max(a, b), 1);
  const step = width / BINS;
  g.beginPath();
  g.moveTo(0, floor);
  bins.forEach((count, i) => {
    const y = floor - (most * count) / peak;
    g.lineTo(i * step, y);
    g.lineTo((i + 1) * step, y);
  });
  g.lineTo(width, floor);
  g.fillStyle = color;
  g.globalAlpha = 0.28;
  g.fill();
  g.globalAlpha = 1;
  g.strokeStyle = color;
  g.lineWidth = 1.5;
  g.stroke();
  if (draws.length === 0) return;
  const x = (width * (mean - low)) / (high - low);
  g.lineWidth = 2;
  g.beginPath();
  g.moveTo(x, floor);
  g.lineTo(x, floor - most - 4);
  g.stroke();
}
