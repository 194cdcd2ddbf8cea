// Columns of rows that a model is told, and those that it describes given them.
import { type Category, placesOf } from '../categories.ts';
import { picked, putBack } from '../distributions/blockwise.ts';
import type { Distribution } from '../distributions/index.ts';
import { LatentGpuError } from '../errors.ts';
import { quote } from '../formats/message.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { constantInit, Module } from '../nn/index.ts';
import { zeros } from '../ops/index.ts';
import type { TrainingRows } from './learner.ts';

/** Whether some of these are given, and some not. */
const isCut = (places: readonly number[], given: readonly number[]) =>
  places.some((at) => given.includes(at)) && !places.every((at) => given.includes(at));

/** Told columns of so many training rows are kept: what is drawn of a model that is told nothing else. */
const KEPT = 256;

export class Columns extends Module {
  /** Those that are told, and those that are described, by their places in a row. */
  readonly given: readonly number[];
  readonly described: readonly number[];
  /** Told columns of rows of the training data, [K, C]. */
  readonly kept: Variable;

  /** @throws LatentGpuError `bad-config` for columns that are not there, or none that are left */
  constructor(features: number, given: readonly number[], categories: readonly Category[] = []) {
    super();
    const cut = categories.find((each) => isCut(placesOf(each), given));
    if (cut) {
      throw new LatentGpuError(
        'bad-config',
        `condition has some words of ${quote(cut.column)}; take all of its columns, ${placesOf(cut).join(', ')}, or none`,
      );
    }
    const wrong = given.find((at, i) => at >= features || given.indexOf(at) !== i);
    if (wrong !== undefined) {
      const why = wrong >= features ? `columns are 0 to ${features - 1}` : 'named twice';
      throw new LatentGpuError('bad-config', `condition has column ${wrong}: ${why}`);
    }
    if (given.length === 0 || given.length >= features) {
      const why = given.length === 0 ? 'no column' : `all ${features} columns`;
      throw new LatentGpuError(
        'bad-config',
        `condition names ${why}; some are told and the others described`,
      );
    }
    this.given = given;
    this.described = Array.from({ length: features }, (_, i) => i).filter(
      (i) => !given.includes(i),
    );
    this.kept = variable('kept', [KEPT, given.length], { role: 'buffer', init: constantInit(0) });
  }

  override children(): [string, unknown][] {
    return [['kept', this.kept]];
  }

  /** Told columns of rows spread over the data. */
  initial({ count, rows }: TrainingRows): [Variable, Float32Array] {
    const values = new Float32Array(this.kept.size);
    for (let i = 0; i < KEPT; i++) {
      const at = count > KEPT ? Math.floor((i * count) / KEPT) : i % count;
      const row = rows(at, at + 1);
      this.given.forEach((column, j) => {
        values[i * this.given.length + j] = row[column] as number;
      });
    }
    return [this.kept, values];
  }

  /** [..., D] to what is described of it, and what is told. */
  parts(x: Tensor): { described: Tensor; given: Tensor } {
    const { described, given } = this;
    return { described: picked(x, described), given: picked(x, given) };
  }

  /** Both together again, each column in its place. */
  private whole(described: Tensor, given: Tensor): Tensor {
    return putBack([described, given], [...this.described, ...this.given]);
  }

  /** A distribution of what is described as one of rows, whose told columns are what they are. */
  rows(own: Distribution, given: Tensor): Distribution {
    const described = (x: Tensor) => this.parts(x).described;
    return {
      logProb: (x, mask) => own.logProb(described(x), mask && described(mask)),
      sample: () => this.whole(own.sample(), given),
      mean: this.whole(own.mean, given),
      // What is told has no deviation.
      parameters: (own.parameters ?? [])
        .filter(({ isScale }) => isScale)
        .map((each) => ({ ...each, of: this.whole(each.of, zeros(given.shape)) })),
    };
  }
}

/** Categories of some of the features, by their places among these. */
export function amongThose(
  features: readonly number[],
  categories: readonly Category[] = [],
): readonly Category[] {
  return categories
    .filter(({ at }) => features.includes(at))
    .map((each) => ({ ...each, at: features.indexOf(each.at) }));
}
