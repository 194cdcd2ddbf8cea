// What stands out on the map: the point that the visitor moves, and the drawing's place.
import { theme } from './theme.ts';

/** A cross with a word. */
export function paintMark(g: CanvasRenderingContext2D, x: number, y: number): void {
  const { card, ink } = theme();
  const { fontFamily } = getComputedStyle(g.canvas);
  for (const [color, width] of [
    [card, 6],
    [ink, 2.5],
  ] as const) {
    g.strokeStyle = color;
    g.lineWidth = width;
    g.beginPath();
    g.moveTo(x - 6, y - 6);
    g.lineTo(x + 6, y + 6);
    g.moveTo(x - 6, y + 6);
    g.lineTo(x + 6, y - 6);
    g.stroke();
  }
  g.font = `600 12px ${fontFamily}`;
  g.textAlign = 'left';
  g.lineWidth = 4;
  g.strokeStyle = card;
  g.strokeText('yours', x + 10, y + 4);
  g.fillStyle = ink;
  g.fillText('yours', x + 10, y + 4);
}

/** A ring with a dot. */
export function paintPoint(g: CanvasRenderingContext2D, x: number, y: number): void {
  const colors = theme();
  for (const [color, width] of [
    [colors.card, 5],
    [colors.ink, 2],
  ] as const) {
    g.strokeStyle = color;
    g.lineWidth = width;
    g.beginPath();
    g.arc(x, y, 9, 0, 2 * Math.PI);
    g.stroke();
  }
  g.fillStyle = colors.ink;
  g.beginPath();
  g.arc(x, y, 2, 0, 2 * Math.PI);
  g.fill();
}
