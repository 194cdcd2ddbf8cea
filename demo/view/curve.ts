// The loss and its two parts over the steps of training.
import { paintEmpty } from './empty.ts';
import { calmRange } from './range.ts';
import { Surface } from './surface.ts';
import { theme } from './theme.ts';
import { ticks, written } from './ticks.ts';

export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
  /** Where the loss is the sum of the two. */
  readonly reconstruction: number | undefined;
  readonly kl: number;
}

type Series = 'loss' | 'reconstruction' | 'kl';

/** More points than this are merged in pairs: a curve has no more pixels than that anyway. */
const MOST = 1600;
const MARGIN = { left: 38, right: 10, top: 18, bottom: 34 };
/** Between the two panes. */
const GUTTER = 14;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

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
    if (points.length === 0) {
      paintEmpty(g, width, height, 'Press Start: the loss falls within seconds.');
      return;
    }
    const right = width - MARGIN.right;
    const bottom = height - MARGIN.bottom;
    const lastStep = points.at(-1)?.step ?? 1;
    const toX = (step: number) => MARGIN.left + ((right - MARGIN.left) * step) / lastStep;
    g.font = `11px ${getComputedStyle(this.surface.canvas).fontFamily}`;
    g.fillStyle = colors.muted;
    for (const step of ticks(0, lastStep, 5)) {
      g.textAlign = toX(step) > right - 14 ? 'right' : 'center';
      g.fillText(step.toLocaleString('en'), toX(step), height - 17);
    }
    g.textAlign = 'right';
    g.fillText('steps', right, height - 3);
    g.textAlign = 'left';
    g.fillText('nats', 2, 9);
    // Two panes, because the divergence is small beside the others and moves just as much.
    const split = MARGIN.top + 0.7 * (bottom - MARGIN.top);
    this.paintPane(g, toX, { left: MARGIN.left, right, top: MARGIN.top, bottom: split }, [
      ['reconstruction', colors.warm],
      ['loss', colors.accent],
    ]);
    this.paintPane(g, toX, { left: MARGIN.left, right, top: split + GUTTER, bottom }, [
      ['kl', colors.cool],
    ]);
    const under = this.underPointer(toX);
    this.told(under ?? points.at(-1));
    if (!under) return;
    g.strokeStyle = colors.muted;
    g.lineWidth = 1;
    const x = Math.round(toX(under.step)) + 0.5;
    line(g, [x, MARGIN.top, x, bottom]);
  }

  private paintPane(
    g: CanvasRenderingContext2D,
    toX: (step: number) => number,
    { left, right, top, bottom }: Box,
    lines: readonly (readonly [Series, string])[],
  ): void {
    const { points } = this;
    const { line: rule, muted } = theme();
    const [low, high] = calmRange(points.flatMap((at) => lines.map(([series]) => at[series])));
    const toY = (value: number) => bottom - ((bottom - top) * (value - low)) / (high - low);
    g.lineWidth = 1;
    g.textBaseline = 'middle';
    g.textAlign = 'right';
    g.strokeStyle = rule;
    g.fillStyle = muted;
    for (const value of ticks(low, high, Math.max(2, (bottom - top) / 38))) {
      const y = Math.round(toY(value)) + 0.5;
      line(g, [left, y, right, y]);
      g.fillText(written(value), left - 8, y);
    }
    g.textBaseline = 'alphabetic';
    g.save();
    g.beginPath();
    g.rect(left, top - 2, right - left + 2, bottom - top + 4);
    g.clip();
    g.lineJoin = 'round';
    for (const [series, color] of lines) {
      const values = points.flatMap((point) => point[series] ?? []);
      if (values.length < points.length) continue;
      const xs = points.map(({ step }) => toX(step));
      g.strokeStyle = color;
      g.globalAlpha = 0.25;
      g.lineWidth = 1;
      line(
        g,
        values.flatMap((value, i) => [xs[i] as number, toY(value)]),
      );
      g.globalAlpha = 1;
      g.lineWidth = 2;
      line(
        g,
        smoothed(values).flatMap((value, i) => [xs[i] as number, toY(value)]),
      );
    }
    g.restore();
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

/** An exponential mean over the last few points, corrected for its beginning. */
function smoothed(values: readonly number[]): number[] {
  const keep = Math.min(0.7, 1 - 12 / (values.length + 12));
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
      reconstruction:
        a.reconstruction === undefined || b.reconstruction === undefined
          ? undefined
          : (a.reconstruction + b.reconstruction) / 2,
      kl: (a.kl + b.kl) / 2,
    });
  }
  return half;
}
