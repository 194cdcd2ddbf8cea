// The engine's random numbers, so that a seed gives the images that it gives there: Philox4x32-10
// with counter (quad, stream, step, 0) and the seed as key, quads counted line by line along the
// last axis of a tensor, steps counted in blocks of rows (see src/ops/random.ts and src/models/ask/rows.ts).
import { gumbelFromBits, normalFromBits, uniformFromBits } from '../ops/reference/philox.ts';
import { philox4x32 } from '../random.ts';

export type FromBits = (a: number, b: number, c: number, d: number) => readonly number[];

export const normal: FromBits = normalFromBits;
export const uniform: FromBits = (...bits) => bits.map(uniformFromBits);
export const gumbel: FromBits = (...bits) => bits.map(gumbelFromBits);

/** Which random numbers a row has. */
export interface Source {
  readonly key: readonly [number, number];
  readonly stream: number;
  readonly step: number;
  /** Of the row among those that a step is of. */
  readonly place: number;
}

/** Fills one row of a noise tensor [rows, lines, width]. */
export function fillRow(
  out: Float32Array | Float64Array,
  fromBits: FromBits,
  { key, stream, step, place }: Source,
  lines: number,
  width: number,
): void {
  // An axis of one element does not count: then the rows of a step are the line.
  const lane = width > 1 ? 0 : place % 4;
  const quads = Math.ceil(width / 4);
  const first = width > 1 ? place * lines * quads : place >> 2;
  for (let i = 0; i < lines * quads; i++) {
    const values = fromBits(...philox4x32([first + i, stream, step, 0], key));
    const at = Math.floor(i / quads) * width + (i % quads) * 4;
    const end = Math.min(4, width - (i % quads) * 4);
    for (let j = 0; j < end; j++) out[at + j] = values[lane + j] as number;
  }
}
