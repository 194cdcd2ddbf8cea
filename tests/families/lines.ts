/** A family whose loss goes along lines: sums, products and log-sums so far, and orders, with ties among the data. */
import { type Batch, defineFamily, nn, ops, type Tensor } from '../../src/index.ts';

class Lines extends nn.Module {
  readonly features: number;
  readonly scores: nn.Linear;
  readonly can = {};

  constructor(features: number) {
    super();
    this.features = features;
    this.scores = new nn.Linear(features, features);
  }

  get learner() {
    return {
      loss: ({ x }: Batch) => {
        const y = this.scores.call(x);
        // Weighed by place, so that an order shows in the sum.
        const places = ops.add(ops.toFloat(ops.iota(this.features)), 1);
        const total = (lines: Tensor) => ops.mean(ops.sum(ops.mul(lines, places), -1));
        const top = ops.topK(y, 2);
        const terms = {
          sums: total(ops.cumSum(y)),
          sumsAfter: total(ops.cumSum(y, -1, { reverse: true, exclusive: true })),
          sumsDown: total(ops.cumSum(y, 0)),
          products: total(ops.cumProd(ops.mul(x, y), -1, { reverse: true })),
          productsBefore: total(ops.cumProd(y, -1, { exclusive: true })),
          logSums: total(ops.logCumSumExp(y, -1, { reverse: true })),
          sorted: total(ops.square(ops.sort(y))),
          sortedDown: total(ops.sort(y, 0, { descending: true })),
          largest: ops.mean(ops.mul(top.values, ops.toFloat(top.indices))),
          order: total(ops.mul(y, ops.toFloat(ops.argSort(x)))),
          orderDown: total(ops.mul(y, ops.toFloat(ops.argSort(x, -1, { descending: true })))),
          tails: total(ops.add(ops.logNdtr(y), ops.ndtri(ops.sigmoid(y)))),
        };
        const loss = Object.values(terms).reduce((sum, term) => ops.add(sum, ops.square(term)));
        return { loss, metrics: terms };
      },
    };
  }
}

export const LINES = defineFamily({
  name: 'lines',
  title: 'Lines',
  about: 'running folds and orders',
  keys: {},
  build: (_config, { shape }) => new Lines(shape.reduce((a, b) => a * b, 1)),
});
