// Elementary functions to a few ULP on every adapter, elementwise over quads.
//
// WGSL promises too little for densities: exp 3 + 2|x| ULP, log 2^-21 absolute near 1, sin and cos
// 2^-11 absolute, tanh no better than its formula, and no log1p, expm1 or erf at all. Everything
// here is a range reduction on the bits and a minimax polynomial (Remez exchange in 40 digits,
// relative weight), after Cody and Waite (1980) and Muller et al., Handbook of Floating-Point
// Arithmetic (2018).
//
// WGSL lets a compiler fuse a product with a sum or part an fma, and regroup sums and common factors
// (15.7.3), and compilers do: Mesa makes n a + (n b + x) into n (a + b) + x. Here a product that has to be
// exact has few enough bits to be so either way, and a sum that has to be taken first is hidden behind
// its bits: `settled4`, `settled_below_2_4`. Finite arguments give finite results: where float32 overflows
// they saturate near 3.4e38. Denormal results may be 0, denormal arguments may count as 0.
//
// Largest errors over 2^20 arguments of the whole range, against float64 (SwiftShader, whose fma is
// not fused; the tests hold fused and regrouped arithmetic to twice that; 1 ULP is at most 2^-23 =
// 1.2e-7 relative):
//
//   exp4        1.2 ULP   e^x; below -86.99 (1.7e-38) it is 0
//   expm1_4     1.7 ULP   e^x - 1
//   expm1_minus_x4  7 ULP  e^x - 1 - x
//   log4        0.9 ULP   log x; log 0 = -88.03 (0 counts as 2^-127), not a number below 0
//   log1p4      1.6 ULP   log(1 + x), likewise at -1 and below
//   log1p_unit4 1.9 ULP   log(1 + x) for 0 <= x <= 1
//   sin4 cos4   1.0e-7    for |x| <= 5e4; past that bounded, without meaning
//   erf4        4.2e-7 relative  2/sqrt(pi) int_0^x e^(-t^2) dt
//   logaddexp4  1.6e-7 of max(1, |a|, |b|)  log(e^a + e^b)
//
// max, min, clamp, shifts and conversions to integers are avoided: a software adapter pays ten plain
// operations for each (measured), and a GPU gains nothing by them.

// x as it is, where `zero` holds no bit but the sign of a number that is positive, which no compiler
// knows: what is made of the result is not regrouped with what x was made of.
fn settled4(x: vec4f, zero: vec4u) -> vec4f { return bitcast<vec4f>(bitcast<vec4u>(x) | zero); }

// The same for |x| < 2, whose exponent lacks the bit that is cleared; NaN becomes a number.
fn settled_below_2_4(x: vec4f) -> vec4f {
  return bitcast<vec4f>(bitcast<vec4u>(x) & vec4u(0xbfffffffu));
}

// The sign of x, alone.
fn sign_bit4(x: vec4f) -> vec4u { return bitcast<vec4u>(x) & vec4u(0x80000000u); }

// An integer in the low bits of a number of its size: adding 1.5 * 2^23 leaves it there, for sums below
// 2^22. The subtraction is one of integers, which no fast-math rule can cancel; a conversion from float
// would be clamped by the compiler, at several times the cost.
const ROUNDS: f32 = 12582912.0;
fn rounded4(sum: vec4f) -> vec4i { return bitcast<vec4i>(sum) - vec4i(0x4b400000); }

// k and r of x = k log 2 + r, |r| <= log(2)/2, for |x| < 2^21. `zero` for `settled4`.
struct Octave { k: vec4i, r: vec4f, zero: vec4u }

fn octave4(x: vec4f) -> Octave {
  let sum = fma(x, vec4f(1.4426950408889634), vec4f(ROUNDS));
  let k = rounded4(sum);
  let zero = sign_bit4(sum);
  let n = vec4f(k);
  // log 2 = 0.693359375 - 2.12194440e-4; n times the first is exact.
  let r = settled4(fma(n, vec4f(-0.693359375), x), zero);
  return Octave(k, fma(n, vec4f(2.12194440e-4), r), zero);
}

// 2^(k - 1), 0 at k = -126. A product, because software adapters shift lane by lane.
fn half_exp2_4(k: vec4i) -> vec4f { return bitcast<vec4f>((k + vec4i(126)) * 8388608); }

// 2 e^r for |r| <= log(2)/2. Error of the polynomial 3.1e-9.
fn twice_exp_reduced4(r: vec4f) -> vec4f {
  var p = fma(r, vec4f(0.00276291464), vec4f(0.016737489));
  p = fma(r, p, vec4f(0.083336778));
  p = fma(r, p, vec4f(0.333330423));
  p = fma(r, p, vec4f(0.999999881));
  p = fma(r, p, vec4f(2.0));
  return fma(r, p, vec4f(2.0));
}

// e^x for -87.3 <= x <= 88.72283, in halves because 2^128 is no float.
fn exp_in_range4(x: vec4f) -> vec4f {
  let octave = octave4(x);
  return twice_exp_reduced4(octave.r) * half_exp2_4(octave.k);
}

// e^x for x <= 0.
fn exp_nonpositive4(x: vec4f) -> vec4f {
  return exp_in_range4(select(x, vec4f(-87.3), x < vec4f(-87.3)));
}

fn exp4(x: vec4f) -> vec4f {
  return exp_nonpositive4(select(x, vec4f(88.72283), x > vec4f(88.72283)));
}

struct Expm1 { value: vec4f, minus_x: vec4f }

// e^x - 1, and e^x - 1 - x without the cancellation at small x: with x = k log 2 + r,
// 2^k (e^r - 1) + (2^k - 1); k = 0 covers |x| < 0.3466.
fn expm1_parts4(x: vec4f) -> Expm1 {
  let above = select(x, vec4f(-18.0), x < vec4f(-18.0));
  let t = select(above, vec4f(88.72283), x > vec4f(88.72283));
  let octave = octave4(t);
  let r = octave.r;
  var p = fma(r, vec4f(0.00139464345), vec4f(0.00836658571));
  p = fma(r, p, vec4f(0.0416662805));
  p = fma(r, p, vec4f(0.166665435));
  p = fma(r, p, vec4f(0.5));
  let quadratic = r * r * p;
  let near = r + quadratic;
  let half_scale = half_exp2_4(octave.k);
  let far = 2.0 * fma(half_scale, near, settled4(half_scale - 0.5, octave.zero));
  let is_near = octave.k == vec4i(0);
  return Expm1(select(far, near, is_near), select(far - x, quadratic, is_near));
}

fn expm1_4(x: vec4f) -> vec4f { return expm1_parts4(x).value; }

// e^x - 1 - x >= 0.
fn expm1_minus_x4(x: vec4f) -> vec4f { return expm1_parts4(x).minus_x; }

// (log(1 + f) - f) / f for |f| <= 1/3. Error of the polynomial 5e-9.
fn log1p_tail4(f: vec4f) -> vec4f {
  var p = fma(f, vec4f(-0.131902948), vec4f(0.139607638));
  p = fma(f, p, vec4f(-0.121154785));
  p = fma(f, p, vec4f(0.140113011));
  p = fma(f, p, vec4f(-0.166854367));
  p = fma(f, p, vec4f(0.200100169));
  p = fma(f, p, vec4f(-0.249996901));
  p = fma(f, p, vec4f(0.333332241));
  return f * fma(f, p, vec4f(-0.5));
}

// log(1 + f) for |f| <= 1/3.
fn log1p_reduced4(f: vec4f) -> vec4f { return fma(f, log1p_tail4(f), f); }

// k log 2 + log(1 + f), where `shift` holds k in its exponent field (k 2^23 as an integer).
fn log_assemble4(shift: vec4u, f: vec4f) -> vec4f {
  let k = vec4f(bitcast<vec4i>(shift));
  // log 2 = 0.693359375 - 2.12194440e-4, both times 2^-23; k times the first is exact.
  let low = fma(k, vec4f(-2.5295549e-11), f * log1p_tail4(f));
  return fma(k, vec4f(0x1.63p-24), settled_below_2_4(f + low));
}

// log x of a positive normal float: x = 2^k (1 + f), 2/3 <= 1 + f < 4/3.
fn log_positive4(x: vec4f) -> vec4f {
  let bits = bitcast<vec4u>(x);
  let shift = (bits - vec4u(0x3f2aaaabu)) & vec4u(0xff800000u);
  return log_assemble4(shift, bitcast<vec4f>(bits - shift) - 1.0);
}

fn log4(x: vec4f) -> vec4f {
  // The sign is dropped so that -0 is 0; what is negative, infinite or no number answers with its bits.
  let bits = bitcast<vec4u>(x) & vec4u(0x7fffffffu);
  let wrong = select(x, bitcast<vec4f>(bits | vec4u(0x7fc00000u)), x < vec4f(0.0));
  return select(
    log_positive4(bitcast<vec4f>(bits)),
    wrong,
    (x < vec4f(0.0)) | (bits >= vec4u(0x7f800000u)),
  );
}

// With 1 + x = 2^k (1 + f): f = x 2^-k + (2^-k - 1), whose terms are exact (the first by its bits).
fn log1p4(x: vec4f) -> vec4f {
  let sum = 1.0 + x;
  let shift = (bitcast<vec4u>(sum) - vec4u(0x3f2aaaabu)) & vec4u(0xff800000u);
  let scaled = bitcast<vec4f>(bitcast<vec4u>(x) - shift);
  // 4 * 2^-k: 2^-128 alone would be denormal.
  let scale4 = bitcast<vec4f>(vec4u(0x40800000u) - shift);
  let rest = settled4(fma(scale4, vec4f(0.25), vec4f(-1.0)), sign_bit4(sum));
  let y = log_assemble4(shift, scaled + rest);
  let no_number = bitcast<vec4f>(bitcast<vec4u>(x) | vec4u(0x7fc00000u));
  let outside = select(no_number, vec4f(-88.02969), x == vec4f(-1.0));
  return select(outside, y, x > vec4f(-1.0));
}

// log(1 + t) for 0 <= t <= 1: 2 atanh(s), s = t / (2 + t). No exponent to take apart.
fn log1p_unit4(t: vec4f) -> vec4f {
  let s = t / (2.0 + t);
  let z = s * s;
  var p = fma(z, vec4f(0.140103742), vec4f(0.139999971));
  p = fma(z, p, vec4f(0.200108185));
  p = fma(z, p, vec4f(0.333332062));
  let twice = s + s;
  return fma(twice, z * p, twice);
}

fn logaddexp4(a: vec4f, b: vec4f) -> vec4f {
  return select(a, b, b > a) + log1p_unit4(exp_nonpositive4(-abs(a - b)));
}

struct Quadrant { sine: vec4f, cosine: vec4f, index: vec4u }

// sin r, cos r and k for x = k pi/2 + r, |r| <= pi/4. pi/2 is taken off in three parts of 8, 9 and 24
// bits: the first two products with |k| < 2^15 are exact, the third is below 0.01.
fn quadrant4(x: vec4f) -> Quadrant {
  let sum = fma(x, vec4f(0.6366197723675814), vec4f(ROUNDS));
  let k = rounded4(sum);
  let zero = sign_bit4(sum);
  let n = vec4f(k);
  var r = settled4(fma(n, vec4f(-0x1.92p+0), x), zero);
  r = settled4(fma(n, vec4f(-0x1.fbp-12), r), zero);
  r = fma(n, vec4f(-0x1.5110b4p-22), r);
  // Only an argument far out of range leaves more.
  r = select(r, vec4f(0.0), abs(r) > vec4f(0.79));
  let z = r * r;
  var s = fma(z, vec4f(-0.000195170054), vec4f(0.00833217613));
  s = fma(z, s, vec4f(-0.166666552));
  var c = fma(z, vec4f(2.44382027e-05), vec4f(-0.00138873653));
  c = fma(z, c, vec4f(0.0416666456));
  c = fma(z, c, vec4f(-0.5));
  return Quadrant(fma(r * z, s, r), fma(z, c, vec4f(1.0)), bitcast<vec4u>(k));
}

// The sine's sign in quadrant k: minus in the third and fourth.
fn flip_sign4(x: vec4f, k: vec4u) -> vec4f {
  return bitcast<vec4f>(bitcast<vec4u>(x) ^ ((k & vec4u(2u)) * 0x40000000u));
}

fn sin4(x: vec4f) -> vec4f {
  let q = quadrant4(x);
  return flip_sign4(select(q.sine, q.cosine, (q.index & vec4u(1u)) != vec4u(0u)), q.index);
}

fn cos4(x: vec4f) -> vec4f {
  let q = quadrant4(x);
  return flip_sign4(select(q.cosine, q.sine, (q.index & vec4u(1u)) != vec4u(0u)), q.index + vec4u(1u));
}

// `size` >= 0 with the sign of x.
fn with_sign4(size: vec4f, x: vec4f) -> vec4f {
  return bitcast<vec4f>(bitcast<vec4u>(size) | (bitcast<vec4u>(x) & vec4u(0x80000000u)));
}

// a P(a^2) / Q(a^2), relative minimax on a = |x| <= 3.85 (1.4e-8); beyond, erf rounds to 1.
fn erf4(x: vec4f) -> vec4f {
  let size = abs(x);
  let a = select(size, vec4f(3.85), size > vec4f(3.85));
  let z = a * a;
  var p = fma(z, vec4f(2.1082583e-06), vec4f(0.000285676382));
  p = fma(z, p, vec4f(0.0036740213));
  p = fma(z, p, vec4f(0.0524799875));
  p = fma(z, p, vec4f(0.187899882));
  p = fma(z, p, vec4f(1.12837915));
  var q = fma(z, vec4f(3.87317749e-05), vec4f(0.00114552202));
  q = fma(z, q, vec4f(0.0147850757));
  q = fma(z, q, vec4f(0.113129856));
  q = fma(z, q, vec4f(0.499854809));
  q = fma(z, q, vec4f(1.0));
  let y = a * (p / q);
  return with_sign4(select(y, vec4f(1.0), y > vec4f(1.0)), x);
}
