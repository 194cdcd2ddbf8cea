/**
 * The gamma function's logarithm and that one's derivatives in float64, x > 0, to about 1e-14, NaN elsewhere: asymptotic series from
 * 12 on (Abramowitz, Stegun 6.1.41, 6.3.18, 6.4.12), taken down by their recurrences. The oracles of
 * `shaders/lib/gamma.wgsl`.
 */

/** log Γ(x). */
export function logGamma(x: number): number {
  if (!(x > 0)) return Number.NaN;
  let [at, product] = [x, 1];
  for (; at < 12; at++) product *= at;
  const r = 1 / (at * at);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / at;
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product);
}

/** d log Γ(x) / dx. */
export function digamma(x: number): number {
  if (!(x > 0)) return Number.NaN;
  let [at, sum] = [x, 0];
  for (; at < 12; at++) sum -= 1 / at;
  const r = 1 / (at * at);
  const tail = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132)))));
  return sum + Math.log(at) - 0.5 / at - tail;
}

/** d² log Γ(x) / dx². */
export function trigamma(x: number): number {
  if (!(x > 0)) return Number.NaN;
  let [at, sum] = [x, 0];
  for (; at < 12; at++) sum += 1 / (at * at);
  const r = 1 / (at * at);
  const tail = r * (1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66)))));
  return sum + 1 / at + 0.5 * r + tail / at;
}

/** d log z / da of a draw of Gamma(a, 1) that keeps its quantile: as `log_gamma_slope4` has it. */
export function logGammaSlope(a: number, logZ: number): number {
  if (!(a > 0)) return Number.NaN;
  const z = Math.exp(logZ);
  if (a >= 40) {
    const d = a - 1 / 3;
    return (1.5 / Math.exp((logZ - Math.log(d)) / 3) - 0.5) / d;
  }
  if (z > a + 5 + 3 * Math.sqrt(a)) {
    const [above, width] = [logZ - digamma(a), z - (a - 1)];
    return (above + (1 - (above * (a - 1)) / width) / width) / width;
  }
  let [term, part, sum] = [1, digamma(a + 1) - logZ, 0];
  for (let n = 1; n <= 100; n++) {
    sum += term * part;
    part += 1 / (a + n);
    term *= z / (a + n);
  }
  return sum / a;
}
