// Random variates from random words, elementwise: four words in, four variates out. One word is one
// variate (a pair of words a pair of normals), all 32 bits are used where the tails need them, and
// nothing can be infinite. As functions of the bits b, in exact arithmetic:
//
//   uniform4      (floor(b / 2^9) + 1/2) 2^-23, exact, within [2^-24, 1 - 2^-24]
//   exponential4  E(b) = -log((b + 1/2) 2^-32), within [1.16e-10, 22.9]
//   gumbel4       -log E(b), within [-3.13, 22.9]
//   logistic4     log((b + 1/2) / (2^32 - b - 1/2)), within +-22.9
//   normal4       Box and Muller (1958), for the pairs of words (0, 1) and (2, 3): r (cos t, sin t)
//                 with r = sqrt(2 E(b0)) <= 6.77; t = pi b1' / 2^32, where b1' is b1's lower 31 bits,
//                 doubled and read as a signed integer, and b1's top bit changes the sign of both

// @import lib/numerics

fn uniform4(bits: vec4u) -> vec4f {
  // The upper 23 bits in place rather than shifted (software adapters shift lane by lane); exact.
  return fma(vec4f(bits & vec4u(0xfffffe00u)), vec4f(0x1p-32), vec4f(0x1p-24));
}

// log(1 + f) = f + f^2 P(f) for two lanes; the polynomial of log1p_tail4.
fn random_log1p2(f: vec2f) -> vec2f {
  var p = fma(f, vec2f(-0.131902948), vec2f(0.139607638));
  p = fma(f, p, vec2f(-0.121154785));
  p = fma(f, p, vec2f(0.140113011));
  p = fma(f, p, vec2f(-0.166854367));
  p = fma(f, p, vec2f(0.200100169));
  p = fma(f, p, vec2f(-0.249996901));
  p = fma(f, p, vec2f(0.333332241));
  return fma(f * f, fma(f, p, vec2f(-0.5)), f);
}

// E(b). As u = (b + 1/2) 2^-32 nears 1 its distance from 1 is taken from the integer, so that small
// variates keep their digits.
fn exponential2(bits: vec2u) -> vec2f {
  let u = fma(vec2f(bits), vec2f(0x1p-32), vec2f(0x1p-33));
  let u_bits = bitcast<vec2u>(u);
  let shift = (u_bits - vec2u(0x3f2aaaabu)) & vec2u(0xff800000u);
  let far = bitcast<vec2f>(u_bits - shift) - 1.0;
  let near = fma(vec2f(~bits), vec2f(-0x1p-32), vec2f(-0x1p-33));
  let f = select(far, near, shift == vec2u(0u));
  return fma(vec2f(bitcast<vec2i>(shift)), vec2f(-8.2629582e-8), -random_log1p2(f));
}

fn exponential4(bits: vec4u) -> vec4f {
  return vec4f(exponential2(bits.xy), exponential2(bits.zw));
}

fn gumbel4(bits: vec4u) -> vec4f { return -log_positive4(exponential4(bits)); }

fn logistic4(bits: vec4u) -> vec4f {
  return log_positive4((vec4f(bits) + 0.5) / (vec4f(~bits) + 0.5));
}

fn normal4(bits: vec4u) -> vec4f {
  let radius = sqrt(2.0 * exponential2(bits.xz));
  let words = bits.yw;
  let r = bitcast<vec2f>(bitcast<vec2u>(radius) ^ (words & vec2u(0x80000000u)));
  // A half turn, t = pi/2 a with -1 <= a < 1; sine and cosine are minimax in a^2, 7e-9 and 2e-10.
  let a = vec2f(bitcast<vec2i>(words + words)) * 0x1p-31;
  let z = a * a;
  var s = fma(z, vec2f(0.000151678527), vec2f(-0.00467415759));
  s = fma(z, s, vec2f(0.0796899274));
  s = fma(z, s, vec2f(-0.645963788));
  s = fma(z, s, vec2f(1.57079637));
  var c = fma(z, vec2f(-2.38249177e-05), vec2f(0.000917724858));
  c = fma(z, c, vec2f(-0.0208626892));
  c = fma(z, c, vec2f(0.253669322));
  c = fma(z, c, vec2f(-1.23370051));
  c = fma(z, c, vec2f(1.0));
  let cosines = r * c;
  let sines = r * (a * s);
  return vec4f(cosines.x, sines.x, cosines.y, sines.y);
}
