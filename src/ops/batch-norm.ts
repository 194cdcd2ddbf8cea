// Normalisation of channels by means and variances that are given: a node of its own, so that graphs which
// are written down keep it. It is run as what it is composed of, in the kernels of its neighbours.
import { LatentGpuError } from '../errors.ts';
import { mapArrays } from '../graph/ndarray.ts';
import { sameShape } from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { add, mul, sub } from './arithmetic.ts';
import { rsqrt, square } from './elementary.ts';

/** What PyTorch adds to variances. */
export const NORM_EPSILON = 1e-5;
/** Share of a batch in moving averages, in PyTorch's sense. */
export const NORM_MOMENTUM = 0.1;

const inverse = (variance: Tensor) => rsqrt(add(variance, NORM_EPSILON));

const batchNormOp = defineOp({
  name: 'batchNorm',
  kind: 'composed',
  reference: (inputs, node) =>
    mapArrays(
      node.shape,
      inputs,
      (x, mean, variance, weight, bias) =>
        (((x as number) - (mean as number)) / Math.sqrt((variance as number) + NORM_EPSILON)) *
          (weight as number) +
        (bias as number),
    ),
  vjp: ({ inputs }, g) => {
    const [x, mean, variance, weight] = inputs as [Tensor, Tensor, Tensor, Tensor];
    const scale = inverse(variance);
    const standard = mul(sub(x, mean), scale);
    const [dx, dweight] = [mul(g, mul(weight, scale)), mul(g, standard)];
    const dvariance = mul(dweight, mul(-0.5, mul(weight, square(scale))));
    return [dx, mul(-1, dx), dvariance, dweight, g];
  },
  composed: ({ inputs }) => {
    const [x, mean, variance, weight, bias] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    return add(mul(sub(x, mean), mul(weight, inverse(variance))), bias);
  },
});

/**
 * (x - mean) / √(variance + 1e-5) · weight + bias: x [N, C], all others [C] (Ioffe and Szegedy 2015).
 *
 * @throws LatentGpuError `shape-mismatch`
 */
export function batchNorm(
  x: Tensor,
  mean: Tensor,
  variance: Tensor,
  weight: Tensor,
  bias: Tensor,
): Tensor {
  const each = [mean, variance, weight, bias];
  if (x.rank !== 2 || each.some(({ shape }) => !sameShape(shape, [x.shape[1] as number]))) {
    throw new LatentGpuError(
      'shape-mismatch',
      `batchNorm: needs rows [N, C] and four of [C], not ${[x, ...each].join(', ')}`,
    );
  }
  return new Tensor(batchNormOp, [x, ...each], x.shape, 'f32');
}
