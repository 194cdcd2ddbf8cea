/** What the functions of shaders/lib/numerics.wgsl are tried on, by their WGSL names. */
import type { bounds } from '../../src/ops/reference/bounds.ts';

/** Numbers of both signs and every size between 2^low and 2^high; 0 among them. */
function everySize(low: number, high: number, count = 4096): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const size = 2 ** (low + ((high - low) * (i >> 1)) / (count / 2));
    return i === 0 ? 0 : i % 2 ? -size : size;
  });
}

type Trial = readonly [keyof typeof bounds, (x: number) => number, Float32Array];

export const numericsTrials: readonly Trial[] = [
  ['exp4', Math.exp, everySize(-30, 6.3)],
  ['expm1_4', Math.expm1, everySize(-30, 6.4)],
  ['log4', Math.log, everySize(-126, 127).map(Math.abs).fill(1, 0, 1)],
  ['log1p4', Math.log1p, everySize(-30, -0.01)],
  ['sin4', Math.sin, everySize(-20, 15.6)],
  ['cos4', Math.cos, everySize(-20, 15.6)],
];
