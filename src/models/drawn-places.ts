// What draws that are made place after place keep: the values so far, and log p of them.
import type { Distribution } from '../distributions/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { add, assign, scatterRows, transpose, zeros } from '../ops/index.ts';

export class DrawnPlaces {
  /** A place a row, [places, rows]. */
  readonly data: Variable;
  /** [rows]. */
  readonly logProb: Variable;
  /** A draw of the place whose turn it is, [rows, 1]. */
  readonly value: Tensor;
  private readonly conditional: Distribution;

  /** @param conditional of the place whose turn it is */
  constructor(places: number, rows: number, conditional: Distribution) {
    this.data = variable('data', [places, rows]);
    this.logProb = variable('logProb', [rows]);
    this.conditional = conditional;
    this.value = conditional.sample();
  }

  /** Assignments before the first place. */
  start(): Tensor[] {
    return [this.data, this.logProb].map((held) => assign(held, zeros(held.shape)));
  }

  /** Assignments that keep the draw. @param place its number, unsigned [1] */
  take(place: Tensor): Tensor[] {
    const { data, logProb, value, conditional } = this;
    return [
      scatterRows(data, place, transpose(value)),
      assign(logProb, add(logProb, conditional.logProb(value))),
    ];
  }

  get state(): Variable[] {
    return [this.data, this.logProb];
  }
}
