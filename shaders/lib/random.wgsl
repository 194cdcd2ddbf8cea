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
//
// Largest errors against float64 over 2^22 words and their edges (SwiftShader): exponential4 1.9e-7
// relative, gumbel4 1e-6 and logistic4 1.1e-6 absolute (one ULP at 16), normal4 3.3e-7 of the radius r,
// so 2e-6 at most for values up to 6.77.

// @import lib/numerics

fn uniform4(bits: vec4u) -> vec4f {
  // The upper 23 bits in place rather than shifted (software adapters shift lane by lane); exact.
  return fma(vec4f(bits & vec4u(0xfffffe00u)), vec4f(0x1p-32), vec4f(0x1p-24));
}

// E(b). As u = (b + 1/2) 2^-32 nears 1 its distance from 1 is taken from the integer, so that small
// variates keep their digits.
fn exponential4(bits: vec4u) -> vec4f {
  let u = fma(vec4f(bits), vec4f(0x1p-32), vec4f(0x1p-33));
  let u_bits = bitcast<vec4u>(u);
  let shift = (u_bits - vec4u(0x3f2aaaabu)) & vec4u(0xff800000u);
  let far = bitcast<vec4f>(u_bits - shift) - 1.0;
  let near = fma(vec4f(~bits), vec4f(-0x1p-32), vec4f(-0x1p-33));
  return -log_assemble4(shift, select(far, near, shift == vec4u(0u)));
}

fn gumbel4(bits: vec4u) -> vec4f { return -log_positive4(exponential4(bits)); }

fn logistic4(bits: vec4u) -> vec4f {
  return log_positive4((vec4f(bits) + 0.5) / (vec4f(~bits) + 0.5));
}

fn normal4(bits: vec4u) -> vec4f {
  // Two lanes are used; a compiler drops the others.
  let radius = sqrt(2.0 * exponential4(bits.xzxz).xy);
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
