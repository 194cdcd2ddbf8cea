// The starts side by side, small; one of them is shown large.
import { frameAround, PlaneView } from '../lab/plane-view.ts';
import { element, formatNumber } from '../view/elements.ts';
import type { EmRun } from './em-run.ts';
import { paintComponents, paintPoints } from './paint.ts';
import { STARTS } from './track.ts';

export class Starts {
  private readonly views: PlaneView[] = [];
  private readonly labels: HTMLLabelElement[] = [];
  private run: EmRun | undefined;
  private points = new Float32Array();
  /** Whether the best one is to be shown, whichever it is. */
  private followsBest = true;
  private chosen = 0;

  /** @param chosen called when another is shown */
  constructor(changed: () => void) {
    for (let s = 0; s < STARTS; s++) {
      const label = document.createElement('label');
      const radio = document.createElement('input');
      Object.assign(radio, { type: 'radio', name: 'shown-start', value: String(s) });
      radio.ariaLabel = `Start ${s + 1}`;
      const canvas = document.createElement('canvas');
      canvas.className = 'square';
      label.append(radio, canvas, document.createElement('span'));
      element('starts').append(label);
      this.labels.push(label);
      this.views.push(
        new PlaneView(canvas, (g, places) => {
          paintPoints(g, places, this.points, this.run, s, 0.9);
          if (this.run) paintComponents(g, places, this.run, s, 0.7);
        }),
      );
      radio.addEventListener('change', () => {
        this.followsBest = false;
        this.chosen = s;
        changed();
      });
    }
  }

  get shown(): number {
    return this.followsBest ? (this.run?.exact.best ?? 0) : this.chosen;
  }

  reset(points: Float32Array<ArrayBuffer>): void {
    this.points = points;
    this.run = undefined;
    this.followsBest = true;
    for (const view of this.views) view.frame = frameAround(points);
  }

  show(run: EmRun): void {
    this.run = run;
    const now = run.exact.moments.at(-1)?.logLikelihood;
    this.labels.forEach((label, s) => {
      const value = now?.[s] ?? Number.NaN;
      const isLost = run.exact.starts[s]?.isLost;
      const text = isLost ? 'singular' : formatNumber(value, 1);
      const [radio, , span] = label.children as unknown as [HTMLInputElement, Element, Element];
      span.textContent = text;
      label.classList.toggle('best', s === run.exact.best);
      radio.checked = s === this.shown;
      radio.ariaLabel = `Start ${s + 1}: ${isLost ? text : `${text} nats`}`;
    });
    for (const view of this.views) view.repaint();
  }
}
