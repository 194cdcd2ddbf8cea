// Draws of Poisson variables: waiting times counted where the rate is small, transformed rejection where it is not.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  abs,
  add,
  cumSum,
  div,
  exp,
  expand,
  floor,
  greaterEqual,
  less,
  lessEqual,
  log,
  log1p,
  logGamma,
  maximum,
  minimum,
  mul,
  neg,
  randomUniform,
  reciprocal,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  unsqueeze,
  where,
} from '../ops/index.ts';
import { firstAccepted } from './gamma-draws.ts';

/** Up to this rate waiting times are counted, of which so many are drawn: one draw in 10¹⁴ needs more. */
const [FEW, WAITS] = [10, 48];
/** Above it nine tries of ten are accepted or better. */
const TRIES = 12;

/** Draws of Poisson variables by their log-rates, broadcast to the shape; of a rate that is no number none. */
export function poissonDraws(logRate: Tensor, shape: Shape): Tensor {
  const rate = exp(logRate);
  const waits = neg(log(randomUniform([...shape, WAITS])));
  const arrived = lessEqual(cumSum(waits), unsqueeze(expand(minimum(rate, FEW), shape), -1));
  return stopGradient(where(less(rate, FEW), sum(arrived, -1), manyDrawn(logRate, shape)));
}

/** Transformed rejection with a squeeze, PTRS, of rates from 10 on (Hörmann 1993). */
function manyDrawn(given: Tensor, shape: Shape): Tensor {
  const rate = exp(maximum(unsqueeze(given, -1), Math.log(FEW)));
  const b = add(0.931, mul(2.53, sqrt(rate)));
  const a = add(-0.059, mul(0.02483, b));
  const inverse = add(1.1239, div(1.1328, sub(b, 3.4)));
  const quick = sub(0.9277, div(3.6224, sub(b, 2)));
  const [u, v] = [sub(randomUniform([...shape, TRIES]), 0.5), randomUniform([...shape, TRIES])];
  const edge = sub(0.5, abs(u));
  const tried = floor(add(mul(u, add(div(mul(2, a), edge), b)), add(rate, 0.43)));
  const k = maximum(tried, 0);
  const isQuick = mul(greaterEqual(edge, 0.07), lessEqual(v, quick));
  const height = sub(log(mul(v, inverse)), log(add(div(a, square(edge)), b)));
  const isUnder = lessEqual(height, logProbability(k, rate));
  const isPossible = mul(greaterEqual(tried, 0), greaterEqual(edge, mul(0.013, less(edge, v))));
  const isAccepted = mul(isPossible, maximum(isQuick, isUnder));
  return firstAccepted(k, isAccepted, floor(exp(given)));
}

/** Counts from which Stirling's series is exact to float32. */
const LARGE = 20;
/** Within so much of the rate its deviance is a series. */
const NEAR = 0.1;

/**
 * log (e^-λ λᵏ / k!) without the cancelling of λ, k log λ and log k!, which are as large as the rate: minus the
 * deviance λ ((1 + u) log (1 + u) - u), u = k / λ - 1, ½ log 2πk and Stirling's remainder (Loader 2000, "Fast and
 * accurate computation of binomial probabilities").
 */
function logProbability(k: Tensor, rate: Tensor): Tensor {
  const u = div(sub(k, rate), rate);
  const isNear = less(abs(u), NEAR);
  const t = where(isNear, u, 0);
  // Σ (-u)ⁿ⁻² / (n (n - 1)) from n = 2 on.
  const series = [1 / 42, 1 / 30, 1 / 20, 1 / 12, 1 / 6, 1 / 2].reduce(
    (rest: Tensor | number, factor) => sub(factor, mul(t, rest)),
    1 / 56,
  ) as Tensor;
  const near = mul(mul(mul(rate, t), t), series);
  const far = mul(rate, sub(mul(add(1, u), log1p(maximum(u, -0.999))), u));
  const many = maximum(k, LARGE);
  const inverse = reciprocal(many);
  const remainder = mul(inverse, sub(1 / 12, mul(1 / 360, square(inverse))));
  const spread = mul(0.5, log(mul(2 * Math.PI, many)));
  const large = neg(add(where(isNear, near, far), add(spread, remainder)));
  const few = minimum(k, LARGE);
  const small = sub(sub(mul(few, log(rate)), rate), logGamma(add(few, 1)));
  return where(less(k, LARGE), small, large);
}
