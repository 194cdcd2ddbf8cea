// Philox4x32-10: four random words from a 128-bit counter and a 64-bit key, without state.
//
// Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). Ten rounds of
//   (c0, c1, c2, c3) <- (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0)),
// round i with the key (k0 + i 0x9E3779B9, k1 + i 0xBB67AE85). Integers only: the same words on every
// adapter, equal to the published known-answer vectors of Random123.

// 1: take upper halves by a conversion to float instead of a shift. A software adapter that shifts
// lane by lane then draws 1.5 times as fast (SwiftShader); a GPU wants 0.
const PHILOX_CONVERTS: u32 = 0u;

// x >> 16. The upper half, as a signed multiple of 2^16, is exact in float32; adding 1.5 * 2^23 leaves
// it in the low bits of the sum.
fn philox_upper(x: vec2u) -> vec2u {
  if (PHILOX_CONVERTS == 0u) { return x >> vec2u(16u); }
  let signed = vec2f(bitcast<vec2i>(x & vec2u(0xffff0000u)));
  return bitcast<vec2u>(fma(signed, vec2f(0x1p-16), vec2f(12582912.0))) & vec2u(0xffffu);
}

// The upper halves of the 64-bit products a.x 0xD2511F53 and a.y 0xCD9E8D57. WGSL has no wide multiply:
// 16-bit halves; `middle` stays below 2^32, the carry out of `sum` is added by hand.
fn philox_multiply_high(a: vec2u) -> vec2u {
  let m_low = vec2u(0x1f53u, 0x8d57u);
  let m_high = vec2u(0xd251u, 0xcd9eu);
  let low = a & vec2u(0xffffu);
  let high = philox_upper(a);
  let middle = high * m_low + philox_upper(low * m_low);
  let sum = middle + low * m_high;
  let carry = select(vec2u(0u), vec2u(0x10000u), sum < middle);
  return high * m_high + philox_upper(sum) + carry;
}

fn philox_round(c: vec4u, key: vec2u) -> vec4u {
  let factors = c.xz;
  let low = factors * vec2u(0xD2511F53u, 0xCD9E8D57u);
  let high = philox_multiply_high(factors);
  return vec4u(high.y ^ c.y ^ key.x, low.y, high.x ^ c.w ^ key.y, low.x);
}

// A loop: unrolled, a software adapter's compiler takes twice as long and spills more than it gains.
fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var round_key = key;
  for (var round = 0u; round < 10u; round++) {
    c = philox_round(c, round_key);
    round_key += vec2u(0x9E3779B9u, 0xBB67AE85u);
  }
  return c;
}
