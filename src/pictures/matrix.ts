// A square matrix as cells, the darker the larger, with its numbers: what a row's channel tells of a column's.
import { Canvas, type Color } from './canvas.ts';
import { drawText, textWidth } from './lettering.ts';
import { TEXT } from './plot.ts';
import type { Picture } from './png.ts';

const CELL = 64;
const MARGIN = 34;
const HEIGHT = 11;
/** Cells whose numbers would be too many to read have none. */
const NUMBERED = 16;
const FULL: Color = [38, 84, 158];
const PAPER: Color = [246, 247, 249];
const LIGHT: Color = [255, 255, 255];

/** @param matrix [size, size], by rows */
export function matrixPicture(matrix: ArrayLike<number>, size: number): Picture {
  const cell = size <= NUMBERED ? CELL : Math.max(4, Math.floor(1024 / size));
  const canvas = new Canvas(MARGIN + size * cell + 8, MARGIN + size * cell + 8);
  const most = Math.max(...Array.from(matrix), Number.MIN_VALUE);
  const write = (text: string, x: number, y: number, color: Color) =>
    drawText(canvas, text, x - textWidth(text, HEIGHT) / 2, y - HEIGHT / 2, HEIGHT, color);
  for (let at = 0; at < size * size; at++) {
    const value = matrix[at] as number;
    const [left, top] = [MARGIN + (at % size) * cell, MARGIN + Math.floor(at / size) * cell];
    const share = Math.max(0, value / most);
    const color = PAPER.map((from, i) => Math.round(from + share * ((FULL[i] ?? 0) - from)));
    canvas.rectangle(left, top, cell - 1, cell - 1, color as unknown as Color);
    if (size > NUMBERED) continue;
    const text = value.toFixed(Math.abs(value) < 10 ? 2 : 0);
    const middle = cell / 2;
    // -0.00 is nothing.
    const plain = Number(text) === 0 ? text.replace('-', '') : text;
    write(plain, left + middle, top + middle, share > 0.5 ? LIGHT : TEXT);
  }
  const every = size <= NUMBERED ? 1 : Math.ceil(size / NUMBERED);
  for (let i = 0; i < size; i += every) {
    const middle = MARGIN + (i + 0.5) * cell;
    write(String(i), middle, MARGIN / 2, TEXT);
    write(String(i), MARGIN / 2, middle, TEXT);
  }
  return canvas.toPicture();
}
