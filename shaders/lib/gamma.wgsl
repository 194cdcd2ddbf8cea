// The gamma function's logarithm and that one's derivatives, for x > 0, elementwise over quads; elsewhere they
// are no numbers.
//
// Below 3 log Gamma is taken down to 1 <= y <= 2, where it is t (t - 1) P(t) with t = y - 1 (its two zeros
// stand apart, so that nothing cancels); from 3 on Stirling's series (DLMF 5.11.1). Digamma and trigamma are
// taken up by six steps of their recurrence, and there by their series (5.11.2, 5.15.8).
//
// Largest errors against float64 over 1e-6 .. 1e6 (SwiftShader):
//   log_gamma4  5e-7 of max(0.3, |log Gamma|)
//   digamma4    5e-7 of max(1, |digamma|)
//   trigamma4   6e-7 relative
//   log_gamma_slope4  see there

// @import lib/numerics
// @import lib/arithmetic

const HALF_LOG_TWO_PI: f32 = 0.9189385332046728;

// log Gamma(1 + t) for 0 <= t <= 1. Error of the polynomial 2e-8.
fn log_gamma_unit4(t: vec4f) -> vec4f {
  var p = fma(t, vec4f(-0.0014874849), vec4f(0.00914042629));
  p = fma(t, p, vec4f(-0.0263120793));
  p = fma(t, p, vec4f(0.0490538739));
  p = fma(t, p, vec4f(-0.0707246587));
  p = fma(t, p, vec4f(0.0906506702));
  p = fma(t, p, vec4f(-0.114918403));
  p = fma(t, p, vec4f(0.155417189));
  p = fma(t, p, vec4f(-0.245250866));
  p = fma(t, p, vec4f(0.577215672));
  return t * (t - 1.0) * p;
}

fn log_gamma4(any: vec4f) -> vec4f {
  let x = positive4(any);
  let below = x < vec4f(1.0);
  let above = x >= vec4f(2.0);
  let t = select(select(x - 1.0, x - 2.0, above), x, below);
  let steps = select(select(vec4f(1.0), x - 1.0, above), x, below);
  let shift = log4(steps);
  let near = log_gamma_unit4(t) + select(shift, -shift, below);
  let r = 1.0 / x;
  let r2 = r * r;
  let series = r * fma(r2, fma(r2, fma(r2, vec4f(-0.000595238095), vec4f(0.000793650794)), vec4f(-0.00277777778)), vec4f(0.0833333333));
  let far = fma(x - 0.5, log4(x), HALF_LOG_TWO_PI - x) + series;
  return select(near, far, x >= vec4f(3.0));
}

fn digamma4(any: vec4f) -> vec4f {
  let x = positive4(any);
  let z = x + 6.0;
  let r = 1.0 / z;
  let r2 = r * r;
  let series = r2 * fma(r2, fma(r2, vec4f(0.00396825397), vec4f(-0.00833333333)), vec4f(0.0833333333));
  // The steps from x to z, of which the first is the largest.
  let steps = 1.0 / (x + 5.0) + 1.0 / (x + 4.0) + 1.0 / (x + 3.0) + 1.0 / (x + 2.0) + 1.0 / (x + 1.0);
  return log4(z) - fma(vec4f(0.5), r, series) - steps - 1.0 / x;
}

fn trigamma4(any: vec4f) -> vec4f {
  let x = positive4(any);
  let z = x + 6.0;
  let r = 1.0 / z;
  let r2 = r * r;
  let series = r2 * r * fma(r2, fma(r2, vec4f(0.0238095238), vec4f(-0.0333333333)), vec4f(0.166666667));
  var sum = series + 0.5 * r2 + r;
  for (var k = 5.0; k >= 0.0; k -= 1.0) {
    let one = 1.0 / (x + k);
    sum += one * one;
  }
  return sum;
}

// d log z / d a of a draw z of Gamma(a, 1) that keeps its quantile: minus the derivative of the distribution
// function by a, over the density and z (Figurnov, Mohamed and Mnih 2018). By the function's series (DLMF 8.7.1)
//
//   1/a sum_n z^n / ((a + 1) .. (a + n)) (digamma(a + n + 1) - log z)
//
// whose terms cancel far above a: there two terms of the expansion for large z; for large a the derivative of
// Marsaglia and Tsang's d (1 + e / sqrt(9 d))^3, d = a - 1/3, at a fixed e. Against the exact one: 1e-4 where
// all but a ten-thousandth of the draws lie, 4e-3 beyond.
fn log_gamma_slope4(any: vec4f, log_z: vec4f) -> vec4f {
  let a = positive4(any);
  let z = exp4(log_z);
  var term = vec4f(1.0);
  var part = digamma4(a + 1.0) - log_z;
  var sum = vec4f(0.0);
  for (var n = 1.0; n <= 100.0; n += 1.0) {
    sum += term * part;
    let inverse = 1.0 / (a + n);
    part += inverse;
    term *= z * inverse;
    if (all((term * abs(part) <= 1e-8 * abs(sum)) & (a + n > z))) { break; }
  }
  let above = log_z - digamma4(a);
  let width = z - (a - 1.0);
  let inside = select(vec4f(1.0), width, width > vec4f(0.5));
  let far = (above + (1.0 - above * (a - 1.0) / inside) / inside) / inside;
  let d = select(vec4f(1.0), a - 0.333333333, a > vec4f(1.0));
  let root = exp4((log_z - log4(d)) * 0.333333333);
  let many = (1.5 / root - 0.5) / d;
  return select(select(sum / a, far, z > a + 5.0 + 3.0 * sqrt(a)), many, a >= vec4f(40.0));
}
