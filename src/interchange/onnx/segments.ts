// Folds over segments of the last axis, of which ONNX has none: segment by segment.
import type { Tensor } from '../../graph/tensor.ts';
import { concat, expand, logSumExp, max, type ReduceOptions, split, sum } from '../../ops/index.ts';

type Reduce = (x: Tensor, axis: number, options: ReduceOptions) => Tensor;

const each =
  (reduce: Reduce) =>
  ([x]: readonly Tensor[], node: Tensor): Tensor =>
    concat(
      split(x as Tensor, node.attrs.sizes as readonly number[]).map((part) =>
        expand(reduce(part, -1, { keepDims: true }), part.shape),
      ),
      -1,
    );

export const SEGMENTED = {
  segmentSum: each(sum),
  segmentLogSumExp: each(logSumExp),
  segmentMax: each(max),
};
