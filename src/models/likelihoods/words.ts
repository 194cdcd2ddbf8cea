// Rows of a table of numbers and words: numbers as another likelihood describes them, words by a probability each.
import { type Category, placesOf } from '../../categories.ts';
import { Blockwise, type Distribution, OneHots } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { slice } from '../../ops/index.ts';
import { Likelihood } from './likelihood.ts';

export class LikelihoodOfWords extends Likelihood {
  readonly outputsPerFeature: number;
  private readonly numbers: Likelihood;
  private readonly categories: readonly Category[];
  /** Places of the features that are no words. */
  private readonly places: readonly number[];

  /** @param numbers of features that are no words @param features of a row */
  constructor(numbers: Likelihood, categories: readonly Category[], features: number) {
    super();
    this.numbers = numbers;
    this.outputsPerFeature = numbers.outputsPerFeature;
    this.categories = categories;
    const isWord = new Set(categories.flatMap(placesOf));
    this.places = Array.from({ length: features }, (_, i) => i).filter((i) => !isWord.has(i));
  }

  /** Tensors are those of the numbers' likelihood, under their names. */
  override children(): [string, unknown][] {
    return this.places.length > 0 ? this.numbers.children() : [];
  }

  override outputs(features: number): number {
    const { numbers, places } = this;
    return numbers.outputs(places.length) + features - places.length;
  }

  /** Outputs are those for numbers, then a logit for each word. */
  distribution(outputs: Tensor): Distribution {
    const { categories, numbers, places } = this;
    const start = numbers.outputs(places.length);
    const logits = slice(outputs, -1, start, outputs.shape.at(-1) as number);
    const sizes = categories.map(({ levels }) => levels.length);
    const words = { of: new OneHots(logits, sizes), places: categories.flatMap(placesOf) };
    if (start === 0) return new Blockwise([words]);
    return new Blockwise([
      { of: numbers.distribution(slice(outputs, -1, 0, start)), places },
      words,
    ]);
  }
}
