// Draws of the gamma distribution, of which those of shares and of counts are made.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { logGammaSlope } from '../ops/gamma.ts';
import {
  add,
  div,
  equal,
  greater,
  iota,
  less,
  log,
  max,
  maximum,
  mul,
  randomNormal,
  randomUniform,
  reshape,
  rsqrt,
  square,
  stopGradient,
  sub,
  sum,
  toFloat,
  unsqueeze,
  where,
} from '../ops/index.ts';

/** Each is accepted with a probability above 0.95: one draw in 10¹⁰ finds none, and is the middle then. */
const TRIES = 8;

/** The first of several tries [..., T] that was accepted, or what stands for it where none was: [...]. */
export function firstAccepted(tries: Tensor, isAccepted: Tensor, otherwise: Tensor): Tensor {
  const count = tries.shape.at(-1) as number;
  const score = mul(isAccepted, sub(count, toFloat(iota(count))));
  const best = max(score, -1, { keepDims: true });
  const chosen = sum(where(equal(score, best), tries, 0), -1);
  return where(greater(reshape(best, chosen.shape), 0), chosen, otherwise);
}

/**
 * Logarithms of draws of Gamma(α, 1), which does not underflow where α is small: d (1 + c ε)³ with d = α - 1/3 and
 * c = 1/√(9 d), accepted or not (Marsaglia and Tsang 2000); of α < 1 a draw of α + 1, times u^(1/α). Gradients are those of draws
 * that keep their quantile (Figurnov et al. 2018), to 1e-4 of all but rare ones.
 *
 * @param concentration α, broadcast to the shape
 */
export function logGammaDraws(concentration: Tensor, shape: Shape): Tensor {
  const isSmall = less(concentration, 1);
  const d = sub(add(concentration, isSmall), 1 / 3);
  const [wideD, wide] = [unsqueeze(d, -1), [...shape, TRIES]];
  const noise = randomNormal(wide);
  const root = add(1, mul(noise, rsqrt(mul(9, wideD))));
  const isInside = greater(root, 0);
  const logV = mul(3, log(where(isInside, root, 1)));
  const v = mul(root, square(root));
  const bound = add(mul(0.5, square(noise)), mul(wideD, add(sub(1, v), logV)));
  const isAccepted = mul(isInside, less(log(randomUniform(wide)), bound));
  const drawn = add(log(d), firstAccepted(logV, isAccepted, mul(0, d)));
  const boost = div(log(randomUniform(shape)), maximum(concentration, 1e-30));
  const logZ = stopGradient(add(drawn, where(isSmall, boost, 0)));
  const given = stopGradient(concentration);
  const slope = stopGradient(logGammaSlope(given, logZ));
  return add(logZ, mul(slope, sub(concentration, given)));
}
