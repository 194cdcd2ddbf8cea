/**
 * The variates drawn from the words of Philox4x32-10, as float64 oracles of `shaders/lib/random.wgsl`.
 *
 * Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011);
 * Box, Muller, "A note on the generation of random normal deviates" (1958).
 */

export { philox4x32 as philox } from '../../random.ts';

/** Four numbers, one for each word. */
export type Words = [number, number, number, number];

/** (floor(bits / 2^9) + 1/2) 2^-23: uniform on (0, 1), never 0 or 1, and exactly the shader's value. */
export function uniformFromBits(bits: number): number {
  return ((bits >>> 9) + 0.5) / 0x800000;
}

/** -log((bits + 1/2) 2^-32): a unit exponential variate, within [1.16e-10, 22.9]. */
export function exponentialFromBits(bits: number): number {
  // 2^32 - 1 - bits is exact, where 1 - u would lose the digits of a small variate.
  return bits < 0x80000000
    ? -Math.log((bits + 0.5) / 0x100000000)
    : -Math.log1p(-(0xffffffff - bits + 0.5) / 0x100000000);
}

/** -log E with E the exponential variate of the same bits: a standard Gumbel variate. */
export function gumbelFromBits(bits: number): number {
  return -Math.log(exponentialFromBits(bits));
}

function normalPair(radiusBits: number, angleBits: number): [number, number] {
  const sign = angleBits >= 0x80000000 ? -1 : 1;
  const radius = sign * Math.sqrt(2 * exponentialFromBits(radiusBits));
  // The lower 31 bits, doubled and read as signed, are a half turn from -pi/2 to pi/2.
  const angle = ((angleBits << 1) / 0x100000000) * Math.PI;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** Four standard normal variates: Box-Muller on the words (0, 1) and (2, 3); none beyond 6.77. */
export function normalFromBits(b0: number, b1: number, b2: number, b3: number): Words {
  return [...normalPair(b0, b1), ...normalPair(b2, b3)];
}
