// What each unit says over the steps of training: bands on top of each other, which thin out as units die.
import { Surface } from '../view/surface.ts';
import { theme } from '../view/theme.ts';
import { ticks, written } from '../view/ticks.ts';
import type { Look } from './run.ts';

const MARGIN = { left: 46, right: 14, top: 22, bottom: 32 };
/** Pixels: what separates bands would hide those below. */
const NARROW = 4;

export class Stream {
  readonly surface: Surface;
  private looks: readonly Look[] = [];

  constructor(canvas: HTMLCanvasElement) {
    this.surface = new Surface(canvas, (g, width, height) => this.paint(g, width, height));
  }

  show(looks: readonly Look[]): void {
    this.looks = looks;
    this.surface.repaint();
  }

  private paint(g: CanvasRenderingContext2D, width: number, height: number): void {
    const { looks } = this;
    const { muted, line, classes, card } = theme();
    const { fontFamily } = getComputedStyle(this.surface.canvas);
    g.font = `11px ${fontFamily}`;
    g.fillStyle = muted;
    const last = looks.at(-1);
    if (!last || looks.length < 2) {
      g.font = `13px ${fontFamily}`;
      g.textAlign = 'center';
      g.fillText('Every unit begins alive. Press Start.', width / 2, height / 2, width - 16);
      return;
    }
    const totals = looks.map(({ kl }) => kl.reduce((a, b) => a + Math.max(0, b), 0));
    const most = 1.08 * Math.max(1, ...totals);
    const right = width - MARGIN.right;
    const bottom = height - MARGIN.bottom;
    const first = (looks[0] as Look).step;
    const span = Math.max(1, last.step - first);
    const toX = (step: number) => MARGIN.left + ((right - MARGIN.left) * (step - first)) / span;
    const toY = (nats: number) => bottom - ((bottom - MARGIN.top) * nats) / most;
    g.textAlign = 'right';
    g.textBaseline = 'middle';
    g.lineWidth = 1;
    g.strokeStyle = line;
    for (const value of ticks(0, most, height / 60)) {
      const y = Math.round(toY(value)) + 0.5;
      g.beginPath();
      g.moveTo(MARGIN.left, y);
      g.lineTo(right, y);
      g.stroke();
      g.fillText(written(value), MARGIN.left - 7, y);
    }
    g.textBaseline = 'alphabetic';
    g.textAlign = 'center';
    for (const step of ticks(first, last.step, width / 110)) {
      g.fillText(step.toLocaleString('en'), toX(step), bottom + 15);
    }
    g.textAlign = 'right';
    g.fillText('steps', right, height - 4);
    g.textAlign = 'left';
    g.fillText('KL(q ∥ p), nats: a band for each unit', 4, 12);
    const below = looks.map(() => 0);
    for (let unit = 0; unit < last.kl.length; unit++) {
      const floor = [...below];
      looks.forEach(({ kl }, i) => {
        below[i] = (below[i] as number) + Math.max(0, kl[unit] as number);
      });
      g.beginPath();
      looks.forEach(({ step }, i) => {
        g.lineTo(toX(step), toY(below[i] as number));
      });
      for (let i = looks.length - 1; i >= 0; i--) {
        g.lineTo(toX((looks[i] as Look).step), toY(floor[i] as number));
      }
      g.fillStyle = classes[unit % classes.length] as string;
      g.globalAlpha = 0.82;
      g.fill();
      g.globalAlpha = 1;
      // A thread between bands, where they are wide enough for one.
      g.strokeStyle = card;
      g.beginPath();
      const isWide = looks.map(
        (_, i) => toY(floor[i] as number) - toY(below[i] as number) > NARROW,
      );
      for (let i = 1; i < looks.length; i++) {
        if (!isWide[i - 1] || !isWide[i]) continue;
        g.moveTo(toX((looks[i - 1] as Look).step), toY(below[i - 1] as number));
        g.lineTo(toX((looks[i] as Look).step), toY(below[i] as number));
      }
      g.stroke();
    }
  }
}
