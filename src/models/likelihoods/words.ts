// Rows of a table of numbers and words: numbers as another likelihood describes them, words by a probability each.
import { type Category, placesOf } from '../../categories.ts';
import { type Block, Blockwise, type Distribution, OneHot } from '../../distributions/index.ts';
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

  /** Outputs are those for numbers, then a logit for each word; categories of as many words stand together. */
  distribution(outputs: Tensor): Distribution {
    const { categories, numbers, places } = this;
    const blocks: Block[] = [];
    let start = numbers.outputs(places.length);
    if (start > 0) {
      blocks.push({ of: numbers.distribution(slice(outputs, -1, 0, start)), places });
    }
    for (const [levels, alike] of bySize(categories)) {
      const end = start + levels * alike.length;
      const of = new OneHot(slice(outputs, -1, start, end), levels);
      blocks.push({ of, places: alike.flatMap(placesOf) });
      start = end;
    }
    return new Blockwise(blocks);
  }
}

function bySize(categories: readonly Category[]): Map<number, Category[]> {
  const groups = new Map<number, Category[]>();
  for (const category of categories) {
    const { length } = category.levels;
    groups.set(length, [...(groups.get(length) ?? []), category]);
  }
  return groups;
}
