// Points that are added by hand: with a pointer, or with a cursor that the arrow keys move.
import type { Places, PlaneView } from '../lab/plane-view.ts';
import { theme } from '../view/theme.ts';
import type { Point } from './points.ts';

export interface CursorEvents {
  add(point: Point): void;
  takeBack(): void;
  moved(): void;
}

const WAYS: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

export class Cursor {
  private at: Point = [0, 0];
  private isSeen = false;

  /** @param area around the plane's canvas, which takes the keys */
  constructor(area: HTMLElement, view: PlaneView, { add, takeBack, moved }: CursorEvents) {
    area.tabIndex = 0;
    const { canvas } = view.surface;
    canvas.addEventListener('click', ({ offsetX, offsetY, detail }) => {
      // A click of the keyboard has no place.
      if (detail > 0) add(view.from(offsetX, offsetY));
    });
    area.addEventListener('blur', () => {
      this.isSeen = false;
      moved();
    });
    area.addEventListener('keydown', (event) => {
      const way = WAYS[event.key];
      if (way) {
        const step = (event.shiftKey ? 0.2 : 0.05) * view.frame.reach;
        this.at = [this.at[0] + step * way[0], this.at[1] + step * way[1]];
        this.isSeen = true;
        moved();
      } else if (event.key === 'Enter') add(this.at);
      else if (event.key === 'Backspace') takeBack();
      else return;
      event.preventDefault();
    });
  }

  paint(g: CanvasRenderingContext2D, places: Places): void {
    if (!this.isSeen) return;
    const [x, y] = places.at(...this.at);
    g.strokeStyle = theme().ink;
    g.lineWidth = 1.5;
    g.beginPath();
    g.arc(x, y, 7, 0, 2 * Math.PI);
    g.moveTo(x - 11, y);
    g.lineTo(x + 11, y);
    g.moveTo(x, y - 11);
    g.lineTo(x, y + 11);
    g.stroke();
  }
}
