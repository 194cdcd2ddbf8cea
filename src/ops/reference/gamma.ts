/**
 * The gamma function's logarithm and that one's derivatives in float64, x > 0, to about 1e-14: asymptotic series from
 * 12 on (Abramowitz, Stegun 6.1.41, 6.3.18, 6.4.12), taken down by their recurrences. The oracles of
 * `shaders/lib/gamma.wgsl`.
 */

/** log Γ(x). */
export function logGamma(x: number): number {
  let [at, product] = [x, 1];
  for (; at < 12; at++) product *= at;
  const r = 1 / (at * at);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / at;
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product);
}

/** d log Γ(x) / dx. */
export function digamma(x: number): number {
  let [at, sum] = [x, 0];
  for (; at < 12; at++) sum -= 1 / at;
  const r = 1 / (at * at);
  const tail = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132)))));
  return sum + Math.log(at) - 0.5 / at - tail;
}

/** d² log Γ(x) / dx². */
export function trigamma(x: number): number {
  let [at, sum] = [x, 0];
  for (; at < 12; at++) sum += 1 / (at * at);
  const r = 1 / (at * at);
  const tail = r * (1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66)))));
  return sum + 1 / at + 0.5 * r + tail / at;
}
