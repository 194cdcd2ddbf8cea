/**
 * Log-densities in nats and their derivatives in float64, the oracles of `shaders/lib/densities.wgsl`,
 * where the formulas stand. Scalars in, scalars out; scales are given by their logarithms;
 * `fDa` is the derivative of `f` with respect to its argument `a`.
 */
import { digamma } from './gamma.ts';
import { expm1MinusX, sigmoid, softplus } from './special.ts';

const HALF_LOG_2PI = 0.9189385332046728;

export function reparameterize(mean: number, logStd: number, noise: number): number {
  return mean + Math.exp(logStd) * noise;
}

export function standardNormalLogProb(x: number): number {
  return -0.5 * x * x - HALF_LOG_2PI;
}

export function normalLogProb(x: number, mean: number, logStd: number): number {
  const z = (x - mean) * Math.exp(-logStd);
  return -0.5 * z * z - logStd - HALF_LOG_2PI;
}

export function normalLogProbDmean(x: number, mean: number, logStd: number): number {
  return (x - mean) * Math.exp(-2 * logStd);
}

export function normalLogProbDlogStd(x: number, mean: number, logStd: number): number {
  const z = (x - mean) * Math.exp(-logStd);
  return z * z - 1;
}

/** x l - softplus(l), as two terms of one sign for 0 <= x <= 1. */
export function bernoulliLogProb(logits: number, x: number): number {
  return logits > 0 ? logits * (x - 1) - softplus(-logits) : logits * x - softplus(logits);
}

export function bernoulliLogProbDlogits(logits: number, x: number): number {
  return logits > 0 ? x - 1 + sigmoid(-logits) : x - sigmoid(logits);
}

export function klStandardNormal(mean: number, logStd: number): number {
  return 0.5 * (mean * mean + expm1MinusX(2 * logStd));
}

export function klStandardNormalDlogStd(_mean: number, logStd: number): number {
  return Math.expm1(2 * logStd);
}

export function klNormal(meanQ: number, logStdQ: number, meanP: number, logStdP: number): number {
  const d = (meanQ - meanP) * Math.exp(-logStdP);
  return 0.5 * (d * d + expm1MinusX(2 * (logStdQ - logStdP)));
}

export function klNormalDmeanQ(
  meanQ: number,
  _logStdQ: number,
  meanP: number,
  logStdP: number,
): number {
  return (meanQ - meanP) * Math.exp(-2 * logStdP);
}

export function klNormalDlogStdQ(
  _meanQ: number,
  logStdQ: number,
  _meanP: number,
  logStdP: number,
): number {
  return Math.expm1(2 * (logStdQ - logStdP));
}

export function klNormalDmeanP(
  meanQ: number,
  logStdQ: number,
  meanP: number,
  logStdP: number,
): number {
  return -klNormalDmeanQ(meanQ, logStdQ, meanP, logStdP);
}

export function klNormalDlogStdP(
  meanQ: number,
  logStdQ: number,
  meanP: number,
  logStdP: number,
): number {
  const d = (meanQ - meanP) * Math.exp(-logStdP);
  return -d * d - Math.expm1(2 * (logStdQ - logStdP));
}

export function logisticLogProb(x: number, mean: number, logScale: number): number {
  const a = Math.abs(x - mean) * Math.exp(-logScale);
  return -a - logScale - 2 * Math.log1p(Math.exp(-a));
}

export function logisticLogProbDmean(x: number, mean: number, logScale: number): number {
  const inverse = Math.exp(-logScale);
  return inverse * Math.tanh(((x - mean) * inverse) / 2);
}

export function logisticLogProbDlogScale(x: number, mean: number, logScale: number): number {
  const z = (x - mean) * Math.exp(-logScale);
  return z * Math.tanh(z / 2) - 1;
}

/** The bin of x on the grid k / (levels - 1), in units of the scale; the edge bins are open. */
function logisticBin(x: number, mean: number, logScale: number, levels: number) {
  const half = 0.5 / (levels - 1);
  const inverse = Math.exp(-logScale);
  return {
    lower: x < half ? Number.NEGATIVE_INFINITY : (x - mean - half) * inverse,
    upper: x > 1 - half ? Number.POSITIVE_INFINITY : (x - mean + half) * inverse,
    width: 2 * half * inverse,
    inverse,
  };
}

/** log of the mass that a logistic distribution leaves in the bin of x (PixelCNN++, 2017). */
export function discretizedLogisticLogProb(
  x: number,
  mean: number,
  logScale: number,
  levels: number,
): number {
  const { lower, upper, width } = logisticBin(x, mean, logScale, levels);
  if (lower === Number.NEGATIVE_INFINITY) return -softplus(-upper);
  if (upper === Number.POSITIVE_INFINITY) return -softplus(lower);
  return Math.log(-Math.expm1(-width)) - softplus(-upper) - softplus(lower);
}

export function discretizedLogisticLogProbDmean(
  x: number,
  mean: number,
  logScale: number,
  levels: number,
): number {
  const { lower, upper, inverse } = logisticBin(x, mean, logScale, levels);
  return inverse * (sigmoid(lower) - sigmoid(-upper));
}

export function discretizedLogisticLogProbDlogScale(
  x: number,
  mean: number,
  logScale: number,
  levels: number,
): number {
  const { lower, upper, width } = logisticBin(x, mean, logScale, levels);
  if (lower === Number.NEGATIVE_INFINITY) return -upper * sigmoid(-upper);
  if (upper === Number.POSITIVE_INFINITY) return lower * sigmoid(lower);
  const mass = width > 0 ? width / Math.expm1(width) : 1;
  return lower * sigmoid(lower) - upper * sigmoid(-upper) - (width > 700 ? 0 : mass);
}

/** log Γ(a + ½) - log Γ(a), a > 0, by Stirling's series from 12 on. */
function logGammaRatio(a: number): number {
  let [at, sum] = [a, 0];
  for (; at < 12; at++) sum += Math.log(at / (at + 0.5));
  // Of a large a the difference of the leading terms, without cancellation.
  const leading = at * Math.log1p(0.5 / at) + 0.5 * Math.log(at) - 0.5;
  const rest = (x: number) => {
    const r = 1 / (x * x);
    return (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r / 1680))) / x;
  };
  return sum + leading + rest(at + 0.5) - rest(at);
}

export function studentTLogProb(x: number, mean: number, logStd: number, df: number): number {
  const z = (x - mean) * Math.exp(-logStd);
  const constant = logGammaRatio(df / 2) - 0.5 * Math.log(df * Math.PI);
  return constant - logStd - ((df + 1) / 2) * Math.log1p((z * z) / df);
}

export function studentTLogProbDmean(x: number, mean: number, logStd: number, df: number): number {
  const inverse = Math.exp(-logStd);
  const z = (x - mean) * inverse;
  return (inverse * z * (df + 1)) / (df + z * z);
}

export function studentTLogProbDlogStd(
  x: number,
  mean: number,
  logStd: number,
  df: number,
): number {
  const z = (x - mean) * Math.exp(-logStd);
  return (df * (z * z - 1)) / (df + z * z);
}

export function studentTLogProbDdf(x: number, mean: number, logStd: number, df: number): number {
  const z = (x - mean) * Math.exp(-logStd);
  const t = (z * z) / df;
  const constant = 0.5 * (digamma((df + 1) / 2) - digamma(df / 2) - 1 / df);
  return constant + 0.5 * ((t / (1 + t)) * (1 + 1 / df) - Math.log1p(t));
}
