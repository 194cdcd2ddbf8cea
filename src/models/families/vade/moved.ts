// Copies of an image that are the same thing to look at: a little to the side, a little turned.

import { LatentGpuError } from '../../../errors.ts';
import type { DataDescription } from '../../data-description.ts';

export interface Moves {
  /** Places to each side. */
  readonly shift: number;
  /** Degrees to either side. */
  readonly turn: number;
}

/** Of each value of a copy, where it comes from: four values of the image, and their shares. */
interface Source {
  readonly at: Uint32Array;
  readonly share: Float64Array;
}

/**
 * What makes the copies of an image, [copies, D], itself the first: turned by -turn, 0 and turn about its middle,
 * and of each of these those shifted to the four sides; between places by bilinear interpolation, 0 outside.
 *
 * @param shape [H, W] or [H, W, C]
 */
export function mover([height, width, channels = 1]: readonly number[], { shift, turn }: Moves) {
  const size = (height as number) * (width as number) * channels;
  const radians = (turn * Math.PI) / 180;
  const angles = turn > 0 ? [0, -radians, radians] : [0];
  const sides = [
    [0, 0],
    [shift, 0],
    [-shift, 0],
    [0, shift],
    [0, -shift],
  ].slice(0, shift > 0 ? 5 : 1) as [number, number][];
  const sources = angles.flatMap((angle) =>
    sides.map((side) => sourceOf([height as number, width as number, channels], angle, side)),
  );
  const copies = new Float32Array(sources.length * size);
  return {
    count: sources.length,
    /** @param image where it begins among rows; the result is overwritten by the next call */
    of(rows: Float32Array, image: number): Float32Array {
      sources.forEach(({ at, share }, copy) => {
        for (let i = 0; i < size; i++) {
          let total = 0;
          for (let c = 4 * i; c < 4 * i + 4; c++) {
            total += (share[c] as number) * (rows[image + (at[c] as number)] as number);
          }
          copies[copy * size + i] = total;
        }
      });
      return copies;
    },
  };
}

function sourceOf(
  [height, width, channels]: readonly [number, number, number],
  angle: number,
  [right, down]: readonly [number, number],
): Source {
  const at = new Uint32Array(4 * height * width * channels);
  const share = new Float64Array(at.length);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  let next = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromX = middleX + cos * (x - middleX) - sin * (y - middleY) - right;
      const fromY = middleY + sin * (x - middleX) + cos * (y - middleY) - down;
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      for (let channel = 0; channel < channels; channel++) {
        for (const [dy, dx] of [
          [0, 0],
          [0, 1],
          [1, 0],
          [1, 1],
        ] as const) {
          const [row, column] = [top + dy, left + dx];
          const isInside = row >= 0 && row < height && column >= 0 && column < width;
          const part = (1 - Math.abs(fromX - column)) * (1 - Math.abs(fromY - row));
          at[next] = isInside ? (row * width + column) * channels + channel : 0;
          share[next++] = isInside ? part : 0;
        }
      }
    }
  }
  return { at, share };
}

/** @throws LatentGpuError `bad-config` for moves of what is no image */
export function checkMoves(
  { shift = 0, turn = 0 }: Partial<Moves>,
  { shape, sequence }: DataDescription,
): void {
  if ((shift === 0 && turn === 0) || (shape.length > 1 && !sequence)) return;
  const asked = shift > 0 ? `start.shift is ${shift}` : `start.turn is ${turn}`;
  const what = sequence ? 'series' : 'rows without places';
  throw new LatentGpuError(
    'bad-config',
    `${asked}, and the data are ${what}, which are not moved as images are; leave it out`,
  );
}
