// What is written where there is nothing to show yet.
import { theme } from './theme.ts';

/** In the middle of a canvas. */
export function paintEmpty(
  g: CanvasRenderingContext2D,
  width: number,
  height: number,
  text: string,
): void {
  g.font = `13px ${getComputedStyle(g.canvas).fontFamily}`;
  g.fillStyle = theme().muted;
  g.textAlign = 'center';
  g.fillText(text, width / 2, height / 2, width - 16);
}
