/** The largest finite binary16. */
export const HALF_MAX = 65504;

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/**
 * float32 → binary16, rounded to the nearest, of two equally near to the even one.
 *
 * @example floatToHalf(1) // 15360
 */
export function floatToHalf(value: number): number {
  float[0] = value;
  const bits = word[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // From 65520 on the nearest is infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below 2^-14 they are multiples of 2^-24; adding 2^52 rounds to whole numbers.
  if (magnitude < 0x38800000) {
    return sign | (Math.abs(float[0]) * 2 ** 24 + 2 ** 52 - 2 ** 52);
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/**
 * IEEE 754 binary16 → binary32, exactly.
 *
 * @example halfToFloat(Uint16Array.of(15360)) // [1]
 */
export function halfToFloat(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

/**
 * Eight-bit floats of four exponent bits, without infinities (Micikevicius et al. 2022, "FP8 formats for deep
 * learning") → binary32, exactly.
 *
 * @example e4m3ToFloat(Uint8Array.of(56)) // [1]
 */
export function e4m3ToFloat(bytes: Uint8Array): Float32Array {
  return Float32Array.from(bytes, (byte) => {
    const sign = byte & 0x80 ? -1 : 1;
    const exponent = (byte >> 3) & 15;
    const fraction = byte & 7;
    if (exponent === 15 && fraction === 7) return Number.NaN;
    if (exponent === 0) return sign * fraction * 2 ** -9;
    return sign * (8 + fraction) * 2 ** (exponent - 10);
  });
}
