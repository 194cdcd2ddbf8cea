// What each unit says over the steps of training: bands on top of each other, which thin out as units die.
import { type Band, type Line, Plot } from '../lab/plot.ts';
import { theme } from '../view/theme.ts';
import type { Look } from './run.ts';

/** Parts of the picture's height: what separates bands would hide those below. */
const NARROW = 0.01;

export class Stream {
  private readonly plot: Plot;

  constructor(canvas: HTMLCanvasElement) {
    this.plot = new Plot(canvas, {
      xLabel: 'steps',
      yLabel: 'KL(q ∥ p), nats: a band for each unit',
      empty: 'Every unit costs about a nat at first. Press Start.',
    });
  }

  show(looks: readonly Look[]): void {
    const last = looks.at(-1);
    if (!last || looks.length < 2) {
      this.plot.show({ lines: [] });
      return;
    }
    const { classes, card } = theme();
    const totals = looks.map(({ kl }) => kl.reduce((a, b) => a + Math.max(0, b), 0));
    const most = 1.08 * Math.max(1, ...totals);
    const below = looks.map(() => 0);
    const bands = last.kl.map((_, unit): Band => {
      const points = looks.map(({ step, kl }, i) => {
        const low = below[i] as number;
        below[i] = low + Math.max(0, kl[unit] as number);
        return [step, low, below[i] as number] as const;
      });
      return { color: classes[unit % classes.length] as string, alpha: 0.82, points };
    });
    const threads = bands.flatMap(({ points }) => threadsOf(points, NARROW * most));
    const lines = threads.map((points): Line => ({ color: card, width: 1, points }));
    this.plot.show({ yRange: [0, most], bands, lines });
  }
}

/** The upper edge of a band, where it is wide enough for a thread that parts it from the next. */
function threadsOf(points: Band['points'], least: number): (readonly [number, number])[][] {
  const threads: (readonly [number, number])[][] = [];
  let isWide = false;
  for (const [step, low, high] of points) {
    const wasWide = isWide;
    isWide = high - low > least;
    if (!isWide) continue;
    if (!wasWide) threads.push([]);
    threads.at(-1)?.push([step, high]);
  }
  // One point is no line.
  return threads.filter(({ length }) => length > 1);
}
