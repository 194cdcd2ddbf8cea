// Names beside points, each where no other is.
import { type Html, html } from '../../report/html.ts';
import { type Frame, textWidth } from '../../report/log-plot.ts';

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Named {
  readonly text: string;
  /** In pixels. */
  readonly x: number;
  readonly y: number;
}

const LINE = 12;
/** From a point to its name. */
const GAP = 7;
/** A name farther away than this is tied to its point by a line. */
const TIED = 16;

const meet = (a: Box, b: Box) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

function boxAt(x: number, y: number, width: number): Box {
  return { left: x, right: x + width, top: y - LINE + 3, bottom: y + 3 };
}

/** Places to try, the nearest first: right, left, above, below, and farther up and down. */
function* places({ x, y }: Named, width: number): Generator<readonly [number, number]> {
  for (let away = 0; away < 12; away++) {
    for (const down of away === 0 ? [0] : [away * LINE, -away * LINE]) {
      yield [x + GAP, y + 4 + down];
      yield [x - GAP - width, y + 4 + down];
      if (away > 0) yield [x - width / 2, y + 4 + down];
    }
  }
}

/**
 * Where every point's name goes; one that has no room anywhere is left out.
 *
 * @param ceiling above which no name goes: the vertical place of a line that rises, over the horizontal
 */
export function labels(
  frame: Frame,
  points: readonly Named[],
  ceiling: (x: number) => number,
): Html[] {
  const taken: Box[] = points.map(({ x, y }) => ({
    left: x - 4,
    right: x + 4,
    top: y - 4,
    bottom: y + 4,
  }));
  // Those with the least room around them first would be best; from the top down is good enough.
  return [...points]
    .sort((a, b) => a.y - b.y || a.x - b.x)
    .flatMap((point) => {
      const width = textWidth(point.text);
      for (const [x, y] of places(point, width)) {
        const box = boxAt(x, y, width);
        const isInside =
          box.left > frame.left && box.right < frame.width && box.bottom < frame.bottom;
        if (box.top < ceiling(box.left)) continue;
        if (!isInside || taken.some((other) => meet(box, other))) continue;
        taken.push(box);
        const isFar = Math.abs(y - 4 - point.y) > TIED;
        const end = point.x < x ? x - 2 : point.x > x + width ? x + width + 2 : point.x;
        // At the end that faces the point: letters may be wider than they were taken to be.
        const [anchor, shift] =
          x + width < point.x ? ['end', width] : x < point.x ? ['middle', width / 2] : ['start', 0];
        return html`${isFar && html`<path class="tie" d="M${point.x.toFixed(1)} ${point.y.toFixed(1)}L${end.toFixed(1)} ${(y - 4).toFixed(1)}"/>`}<text class="name" text-anchor="${anchor}" x="${(x + shift).toFixed(1)}" y="${y.toFixed(1)}">${point.text}</text>`;
      }
      return [];
    });
}
