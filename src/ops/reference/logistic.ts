// Apart from the other variates, which a page that draws from a VAE has: none of its numbers are logistic.
/** log(u / (1 - u)) with u = (bits + 1/2) 2^-32: a standard logistic variate. */
export function logisticFromBits(bits: number): number {
  return Math.log((bits + 0.5) / (0xffffffff - bits + 0.5));
}
