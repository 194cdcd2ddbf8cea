// What draws that are made place after place keep: the values so far, and log p of them.
import type { Distribution } from '../distributions/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { add, assign, reshape, scatterRows, transpose, zeros } from '../ops/index.ts';

/** Of the place whose turn it is: its numbers [rows, n], and log p of them [rows]. */
export interface Draw {
  readonly value: Tensor;
  readonly logProb: Tensor;
}

export function drawOf(conditional: Distribution): Draw {
  const value = conditional.sample();
  return { value, logProb: conditional.logProb(value) };
}

export class DrawnPlaces {
  /** A place a row, [places, rows · n]. */
  readonly data: Variable;
  /** [rows]. */
  readonly logProb: Variable;
  private readonly draw: Draw;

  constructor(places: number, rows: number, draw: Draw) {
    this.data = variable('data', [places, draw.value.size]);
    this.logProb = variable('logProb', [rows]);
    this.draw = draw;
  }

  /** A draw of the place whose turn it is, [rows, n]. */
  get value(): Tensor {
    return this.draw.value;
  }

  /** Rows x [rows, places · n], and log p of each [rows]. */
  get result(): { x: Tensor; logProb: Tensor } {
    const { data, logProb } = this;
    const [rows, n] = this.value.shape as [number, number];
    const places = data.shape[0] as number;
    if (n === 1) return { x: transpose(data), logProb };
    const each = transpose(reshape(data, [places, rows, n]), [1, 0, 2]);
    return { x: reshape(each, [rows, places * n]), logProb };
  }

  /** Assignments before the first place. */
  start(): Tensor[] {
    return [this.data, this.logProb].map((held) => assign(held, zeros(held.shape)));
  }

  /** Assignments that keep the draw. @param place its number, unsigned [1] */
  take(place: Tensor): Tensor[] {
    const { data, logProb, draw } = this;
    return [
      scatterRows(data, place, reshape(draw.value, [1, draw.value.size])),
      assign(logProb, add(logProb, draw.logProb)),
    ];
  }

  get state(): Variable[] {
    return [this.data, this.logProb];
  }
}
