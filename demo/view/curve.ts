// The loss and its two parts over the steps of training.
import { Surface } from './surface.ts';
import { theme } from './theme.ts';

export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
  readonly reconstruction: number;
  readonly kl: number;
}

type Series = 'loss' | 'reconstruction' | 'kl';

/** More points than this are merged in pairs: a curve has no more pixels than that anyway. */
const MOST = 1600;
const MARGIN = { left: 38, right: 10, top: 8, bottom: 22 };

export class Curve {
  private readonly surface: Surface;
  private readonly told: (point: CurvePoint | undefined) => void;
  private points: CurvePoint[] = [];
  private pointer: number | undefined;

  /** @param told receives the point under the pointer, or the last one */
  constructor(canvas: HTMLCanvasElement, told: (point: CurvePoint | undefined) => void) {
    this.told = told;
    this.surface = new Surface(canvas, (g, width, height) => this.paint(g, width, height));
    const point = (x: number | undefined) => {
      this.pointer = x;
      this.surface.repaint();
    };
    canvas.addEventListener('pointermove', (event) => point(event.offsetX));
    canvas.addEventListener('pointerleave', () => point(undefined));
  }

  clear(): void {
    this.points = [];
    this.surface.repaint();
  }

  add(point: CurvePoint): void {
    const last = this.points.at(-1);
    // A lost device takes the run back a little.
    if (last && point.step <= last.step) {
      this.points = this.points.filter(({ step }) => step < point.step);
    }
    this.points.push(point);
    if (this.points.length > MOST) this.points = halved(this.points);
    this.surface.repaint();
  }

  private paint(g: CanvasRenderingContext2D, width: number, height: number): void {
    const { points } = this;
    const colors = theme();
    const right = width - MARGIN.right;
    const bottom = height - MARGIN.bottom;
    const lastStep = points.at(-1)?.step ?? 0;
    const top = ceiling(points);
    const toX = (step: number) => MARGIN.left + ((right - MARGIN.left) * step) / (lastStep || 1);
    const toY = (value: number) => bottom - ((bottom - MARGIN.top) * value) / top;

    g.font = `11px ${getComputedStyle(this.surface.canvas).fontFamily}`;
    g.lineWidth = 1;
    g.textBaseline = 'middle';
    g.textAlign = 'right';
    for (const value of ticks(top, 4)) {
      const y = Math.round(toY(value)) + 0.5;
      g.strokeStyle = colors.line;
      line(g, [MARGIN.left, y, right, y]);
      g.fillStyle = colors.muted;
      g.fillText(String(value), MARGIN.left - 8, y);
    }
    g.textBaseline = 'alphabetic';
    for (const step of lastStep > 0 ? ticks(lastStep, 5) : [0]) {
      g.textAlign = toX(step) > right - 14 ? 'right' : 'center';
      g.fillText(step.toLocaleString('en'), toX(step), height - 5);
    }
    if (points.length === 0) return;

    g.save();
    g.beginPath();
    g.rect(MARGIN.left, 0, right - MARGIN.left + 2, bottom + 1);
    g.clip();
    g.lineJoin = 'round';
    const draw = (series: Series, color: string, thickness: number) => {
      g.strokeStyle = color;
      g.globalAlpha = 0.28;
      g.lineWidth = 1;
      line(g, points.flatMap((point) => [toX(point.step), toY(point[series])]));
      g.globalAlpha = 1;
      g.lineWidth = thickness;
      const smooth = smoothed(points.map((point) => point[series]));
      line(g, points.flatMap((point, i) => [toX(point.step), toY(smooth[i] as number)]));
    };
    draw('kl', colors.cool, 1.6);
    draw('reconstruction', colors.warm, 1.6);
    draw('loss', colors.accent, 2.4);
    g.restore();

    const under = this.underPointer(toX);
    this.told(under ?? points.at(-1));
    if (!under) return;
    g.strokeStyle = colors.muted;
    g.lineWidth = 1;
    const x = Math.round(toX(under.step)) + 0.5;
    line(g, [x, MARGIN.top, x, bottom]);
  }

  private underPointer(toX: (step: number) => number): CurvePoint | undefined {
    const { pointer } = this;
    if (pointer === undefined) return undefined;
    let best: CurvePoint | undefined;
    for (const point of this.points) {
      const nearer = Math.abs(toX(point.step) - pointer);
      if (!best || nearer < Math.abs(toX(best.step) - pointer)) best = point;
    }
    return best;
  }
}

function line(g: CanvasRenderingContext2D, coordinates: readonly number[]): void {
  g.beginPath();
  for (let i = 0; i < coordinates.length; i += 2) {
    g.lineTo(coordinates[i] as number, coordinates[i + 1] as number);
  }
  g.stroke();
}

/** The largest value, the first moments of a run left aside where they would flatten the rest. */
function ceiling(points: readonly CurvePoint[]): number {
  const later = points.slice(Math.min(4, Math.floor(points.length / 5)));
  const most = later.reduce(
    (top, { loss, reconstruction, kl }) => Math.max(top, loss, reconstruction, kl),
    0,
  );
  return 1.08 * (most || 250);
}

/** Multiples of 1, 2 or 5 times a power of ten from 0 to `most`, about `count` of them. */
function ticks(most: number, count: number): number[] {
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((f) => f * power >= rough * 0.99) ?? 10;
  const step = Math.max(factor * power, 1e-9);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
}

/** An exponential mean over the last few points, corrected for its beginning. */
function smoothed(values: readonly number[]): number[] {
  const keep = Math.min(0.9, 1 - 8 / (values.length + 8));
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    sum = keep * sum + value;
    weight = keep * weight + 1;
    return sum / weight;
  });
}

function halved(points: readonly CurvePoint[]): CurvePoint[] {
  const half: CurvePoint[] = [];
  for (let i = 0; i + 1 < points.length; i += 2) {
    const [a, b] = [points[i], points[i + 1]] as [CurvePoint, CurvePoint];
    half.push({
      step: b.step,
      loss: (a.loss + b.loss) / 2,
      reconstruction: (a.reconstruction + b.reconstruction) / 2,
      kl: (a.kl + b.kl) / 2,
    });
  }
  return half;
}
