// Figures that several families report alike.
import type { Tensor } from '../graph/tensor.ts';
import { neg } from '../ops/index.ts';
import type { Quantity } from './abilities.ts';

/**
 * -log p(x) of a model whose density is exact.
 *
 * @param logProb [B], in nats
 * @param of what it is the density of. Default: `x`
 */
export function negativeLogLikelihood(logProb: Tensor, of = 'x'): Quantity {
  return {
    name: 'negativeLogLikelihood',
    label: `-log p(${of})`,
    unit: 'nats',
    digits: 4,
    of: neg(logProb),
    isDensity: true,
  };
}
