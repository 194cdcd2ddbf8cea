// Elementwise arithmetic on quads: four f32 (vec4f) or four u32 (vec4u) at a time.
//
// Exact (correctly rounded or bit-exact) on every adapter: add sub mul neg square minimum maximum
// floor4 sign4 choose clamp4, the comparisons, is_finite4 and all u32 functions.
// div, reciprocal: 2.5 ULP (WGSL 15.7.4) for divisors within 2^-126 .. 2^126. rsqrt: 2 ULP. WGSL's
// own abs (exact) and sqrt (as 1 / inverseSqrt, 4.5 ULP) are called as they are. power: see there.
// Comparisons answer 1.0 or 0.0, so that masks are ordinary tensors.

// @import lib/numerics

fn add(a: vec4f, b: vec4f) -> vec4f { return a + b; }
fn sub(a: vec4f, b: vec4f) -> vec4f { return a - b; }
fn mul(a: vec4f, b: vec4f) -> vec4f { return a * b; }
fn div(a: vec4f, b: vec4f) -> vec4f { return a / b; }
fn neg(x: vec4f) -> vec4f { return -x; }
fn square(x: vec4f) -> vec4f { return x * x; }
fn rsqrt(x: vec4f) -> vec4f { return inverseSqrt(x); }
fn reciprocal(x: vec4f) -> vec4f { return 1.0 / x; }
// Selections, not min and max: a third of the cost on software adapters, the same on a GPU.
fn minimum(a: vec4f, b: vec4f) -> vec4f { return select(a, b, b < a); }
fn maximum(a: vec4f, b: vec4f) -> vec4f { return select(a, b, b > a); }
fn floor4(x: vec4f) -> vec4f { return floor(x); }
fn sign4(x: vec4f) -> vec4f { return sign(x); }
fn clamp4(x: vec4f, lo: vec4f, hi: vec4f) -> vec4f { return minimum(maximum(x, lo), hi); }

// What has to be above 0, and is no number where it is not.
fn positive4(x: vec4f) -> vec4f {
  return select(bitcast<vec4f>(bitcast<vec4u>(x) | vec4u(0x7fc00000u)), x, x > vec4f(0.0));
}

fn mask4(condition: vec4<bool>) -> vec4f { return select(vec4f(0.0), vec4f(1.0), condition); }
fn less(a: vec4f, b: vec4f) -> vec4f { return mask4(a < b); }
fn less_equal(a: vec4f, b: vec4f) -> vec4f { return mask4(a <= b); }
fn greater(a: vec4f, b: vec4f) -> vec4f { return mask4(a > b); }
fn greater_equal(a: vec4f, b: vec4f) -> vec4f { return mask4(a >= b); }
fn equal4(a: vec4f, b: vec4f) -> vec4f { return mask4(a == b); }

// mask != 0 ? a : b, lane by lane; the branch not taken may hold anything, infinities included.
fn choose(mask: vec4f, a: vec4f, b: vec4f) -> vec4f { return select(b, a, mask != vec4f(0.0)); }

// 1.0 where x is finite, 0.0 where it is infinite or not a number. Read from the exponent bits: a
// WGSL implementation may assume that such values do not occur and fold any floating-point test away.
fn is_finite4(x: vec4f) -> vec4f {
  return mask4((bitcast<vec4u>(x) & vec4u(0x7f800000u)) != vec4u(0x7f800000u));
}

// x^y. |x|^y = 2^(y e) 2^(y log2 m) with |x| = m 2^e, 2/3 <= m < 4/3; y e is split so that its integer
// part is exact: relative error 2.3e-7 for |y| <= 3, 6e-8 |y| above (SwiftShader), where exp(y log x)
// loses |y log x| ULP.
// A negative base takes an integer exponent (else the answer is not a number); x^0 = 1; results
// above the largest float saturate there, below 2^-126 they are 0. A base that is not a number stays so.
fn power(x: vec4f, y: vec4f) -> vec4f {
  let bits = bitcast<vec4u>(x) & vec4u(0x7fffffffu);
  let shift = (bits - vec4u(0x3f2aaaabu)) & vec4u(0xff800000u);
  let exponent = vec4f(bitcast<vec4i>(shift)) * 0x1p-23;
  let log2_mantissa = log1p_reduced4(bitcast<vec4f>(bits - shift) - 1.0) * 1.4426950408889634;
  let z = clamp4(y, vec4f(-1.0e10), vec4f(1.0e10));
  let z_high = bitcast<vec4f>(bitcast<vec4u>(z) & vec4u(0xffff0000u));
  let whole = floor(z_high * exponent);
  let fraction = settled_below_2_4(z_high * exponent - whole);
  let rest = fraction + fma(z - z_high, exponent, z * log2_mantissa);
  let carry = floor(rest + 0.5);
  let r = (rest - carry) * 0.6931471805599453;
  let n = clamp4(whole + carry, vec4f(-126.0), vec4f(129.0));
  let overflow = (n + r) >= vec4f(128.0);
  let k = bitcast<vec4i>(select(n, vec4f(128.0), overflow) + 12582912.0) - vec4i(0x4b400000);
  let size = select(twice_exp_reduced4(r) * half_exp2_4(k), vec4f(3.4028234e38), overflow);
  let negative = x < vec4f(0.0);
  let half = z * 0.5;
  let integer = floor(z) == z;
  let odd = integer & (floor(half) != half);
  let signed = select(size, -size, odd & negative);
  // Of a base that is no number only the bits tell.
  let unreal = (negative & !integer) | ((bits > vec4u(0x7f800000u)) & (z != vec4f(0.0)));
  let real = select(signed, bitcast<vec4f>(bits | vec4u(0x7fc00000u)), unreal);
  let at_zero = select(vec4f(3.4028234e38), mask4(z == vec4f(0.0)), z >= vec4f(0.0));
  return select(real, at_zero, x == vec4f(0.0));
}

fn to_f32(x: vec4u) -> vec4f { return vec4f(x); }
// Truncates towards zero and saturates.
fn to_u32(x: vec4f) -> vec4u { return vec4u(x); }

// Whole numbers from 0 on; all else becomes the largest. That it is a number the bits tell.
fn to_index4(x: vec4f) -> vec4u {
  let isIndex = (floor(x) == x) & (x >= vec4f(0.0)) & (x <= vec4f(4294967040.0));
  let isNumber = (bitcast<vec4u>(x) & vec4u(0x7f800000u)) != vec4u(0x7f800000u);
  return select(vec4u(0xffffffffu), vec4u(x), isIndex & isNumber);
}

fn add_u(a: vec4u, b: vec4u) -> vec4u { return a + b; }
fn mul_u(a: vec4u, b: vec4u) -> vec4u { return a * b; }
// Division by zero gives a, the remainder by zero gives 0 (WGSL 8.7).
fn div_u(a: vec4u, b: vec4u) -> vec4u { return a / b; }
fn mod_u(a: vec4u, b: vec4u) -> vec4u { return a % b; }
fn choose_u(mask: vec4f, a: vec4u, b: vec4u) -> vec4u { return select(b, a, mask != vec4f(0.0)); }
fn equal_u(a: vec4u, b: vec4u) -> vec4f { return mask4(a == b); }
