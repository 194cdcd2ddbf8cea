// Independent distributions side by side: each describes some of the numbers of a vector.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, concat, slice, zeros } from '../ops/index.ts';
import type { Distribution, Parameter } from './distribution.ts';

export interface Block {
  readonly of: Distribution;
  /** Which numbers of the vector it describes, in its own order. */
  readonly places: readonly number[];
}

/**
 * Independent distributions of some numbers each of a vector [..., D]: of rows of a table, say, whose columns are
 * numbers and words (as one-hot codes). log p is the sum over the blocks.
 *
 * ```ts
 * const number = new distributions.Normal(ops.zeros([1]), ops.zeros([1]));
 * const word = new distributions.OneHot(ops.zeros([2]), 2);
 * const p = new distributions.Blockwise([{ of: number, places: [1] }, { of: word, places: [0, 2] }]);
 * p.logProb(ops.oneHot(ops.iota(1), 3)) // [-1.6121]
 * ```
 */
export class Blockwise implements Distribution {
  readonly blocks: readonly Block[];
  private readonly places: readonly number[];

  /** @throws LatentGpuError `bad-input` for blocks whose places are not 0 … D - 1, each once */
  constructor(blocks: readonly Block[]) {
    this.blocks = blocks;
    const places = blocks.flatMap((block) => block.places);
    this.places = places;
    if (places.length > 0 && places.every((_, place) => places.includes(place))) return;
    const why = `Blockwise: places ${places.join(', ')} are not 0 to ${places.length - 1}, each once`;
    throw new LatentGpuError('bad-input', why);
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    const each = this.blocks.map(({ of, places }) =>
      of.logProb(picked(x, places), mask && picked(mask, places)),
    );
    return each.reduce((sum, one) => add(sum, one));
  }

  sample(lead: readonly number[] = []): Tensor {
    return this.whole(this.blocks.map(({ of }) => of.sample(lead)));
  }

  get mean(): Tensor {
    return this.whole(this.blocks.map(({ of }) => of.mean));
  }

  /** Those of the blocks that have a number for each place, 0 in the places of the others. */
  get parameters(): readonly Parameter[] {
    return this.blocks.flatMap(({ of, places }, at) =>
      (of.parameters ?? [])
        .filter((each) => each.of.shape.at(-1) === places.length)
        .map((each) => ({
          ...each,
          of: this.whole(
            this.blocks.map((block, i) => (i === at ? each.of : zeros(block.of.mean.shape))),
          ),
        })),
    );
  }

  private whole(parts: readonly Tensor[]): Tensor {
    return putBack(parts, this.places);
  }
}

/** Parts along the last axis as one vector, whose numbers go to these places: what {@link picked} took apart. */
export function putBack(parts: readonly Tensor[], places: readonly number[]): Tensor {
  return picked(
    concat(parts, -1),
    places.map((_, place) => places.indexOf(place)),
  );
}

/** Numbers of the last axis [..., D] in this order: those that follow each other are taken together. */
export function picked(x: Tensor, places: readonly number[]): Tensor {
  const runs: [number, number][] = [];
  for (const at of places) {
    const last = runs.at(-1);
    if (last?.[1] === at) last[1] = at + 1;
    else runs.push([at, at + 1]);
  }
  return concat(
    runs.map(([from, to]) => slice(x, -1, from, to)),
    -1,
  );
}
