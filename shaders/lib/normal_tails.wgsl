// The normal distribution's tails, elementwise over quads, by two functions of x >= 0 that neither overflow nor vanish:
//
//   M(x) = int_0^inf e^(-x t - t^2/2) dt      Mills' ratio, (1 - Phi(x)) / phi(x)
//   N(x) = int_0^inf t e^(-x t - t^2/2) dt    1 - x M(x)
//
// each by a polynomial in (x - 3) / (x + 3), which takes 0 .. inf to -1 .. 1 (after Shepherd and Laframboise 1981,
// "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < inf"). Largest errors against float64 over
// |x| < 1e5, 0 <= c < 1e5 and 1e-7 < w < 64 (SwiftShader):
//
//   log_ndtr4              6.1e-7 relative, above 0 or 1e-12
//   log_ndtr_slope4        1.1e-6 relative, above 0 or 1e-12
//   ndtri4                 1e-7 of max(1, |x|)
//   normal_piece4          4.6e-7 relative
//   normal_piece_moment4   3.9e-6 relative
//   normal_piece_quantile4 1.2e-7 of max(1, t)

// @import lib/numerics

// M(x) (1 + x). Error of the polynomial 1.4e-8.
fn mills_scaled4(q: vec4f) -> vec4f {
  var p = fma(q, vec4f(0.000149693471), vec4f(8.96748898e-05));
  p = fma(q, p, vec4f(-0.00118815864));
  p = fma(q, p, vec4f(-0.000915902376));
  p = fma(q, p, vec4f(0.00748653989));
  p = fma(q, p, vec4f(0.00291784992));
  p = fma(q, p, vec4f(-0.0569617525));
  p = fma(q, p, vec4f(0.113207966));
  p = fma(q, p, vec4f(-0.0411904491));
  p = fma(q, p, vec4f(-0.241956651));
  return fma(q, p, vec4f(1.21836126));
}

// N(x) (1 + x)^2. Error of the polynomial 8.8e-8.
fn mills_rest_scaled4(q: vec4f) -> vec4f {
  var p = fma(q, vec4f(0.000636835233), vec4f(0.000858485582));
  p = fma(q, p, vec4f(-0.00415816344));
  p = fma(q, p, vec4f(-0.00689802086));
  p = fma(q, p, vec4f(0.018578779));
  p = fma(q, p, vec4f(0.0314924344));
  p = fma(q, p, vec4f(-0.0982425213));
  p = fma(q, p, vec4f(-0.0293961167));
  p = fma(q, p, vec4f(0.350874305));
  p = fma(q, p, vec4f(-0.375722438));
  p = fma(q, p, vec4f(-0.267689198));
  return fma(q, p, vec4f(1.37966573));
}

fn tail_place4(x: vec4f) -> vec4f { return 1.0 - 6.0 / (x + 3.0); }

fn mills4(x: vec4f) -> vec4f { return mills_scaled4(tail_place4(x)) / (1.0 + x); }

fn mills_rest4(x: vec4f) -> vec4f {
  let far = 1.0 + x;
  return mills_rest_scaled4(tail_place4(x)) / far / far;
}

const SQRT_HALF_PI: f32 = 1.2533141373155003;
const ONE_OVER_SQRT_TWO_PI: f32 = 0.3989422804014327;

// log Phi(x).
fn log_ndtr4(x: vec4f) -> vec4f {
  let far = abs(x);
  let m = mills4(far) * ONE_OVER_SQRT_TWO_PI;
  let square = -0.5 * far * far;
  return select(log1p4(-exp_nonpositive4(square) * m), square + log4(m), x < vec4f(0.0));
}

// phi(x) / Phi(x).
fn log_ndtr_slope4(x: vec4f) -> vec4f {
  let far = abs(x);
  let m = mills4(far);
  let density = exp_nonpositive4(-0.5 * far * far) * ONE_OVER_SQRT_TWO_PI;
  return select(density / (1.0 - density * m), 1.0 / m, x < vec4f(0.0));
}

// The t >= 0 beyond which e^-gone of what lies beyond c is left: M(c + t) e^(-c t - t^2/2) = M(c) e^-gone. Without M
// the root is too far out, and from there Newton's steps on the logarithm, which is concave, come down to it.
fn tail_quantile4(c: vec4f, gone: vec4f) -> vec4f {
  let start = log4(mills4(c));
  var t = 2.0 * gone / (sqrt(fma(c, c, 2.0 * gone)) + c);
  for (var i = 0; i < 3; i++) {
    let m = mills4(c + t);
    let left = (log4(m) - start) - t * fma(vec4f(0.5), t, c);
    t += (left + gone) * m;
  }
  return select(vec4f(0.0), t, t > vec4f(0.0));
}

// The x of which Phi(x) = p; no number for p outside 0 < p < 1.
fn ndtri4(p: vec4f) -> vec4f {
  let least = select(p, 1.0 - p, p > vec4f(0.5));
  let size = tail_quantile4(vec4f(0.0), -log4(2.0 * least));
  let inside = (p > vec4f(0.0)) & (p < vec4f(1.0));
  let no_number = bitcast<vec4f>(bitcast<vec4u>(p) | vec4u(0x7fc00000u));
  return select(no_number, select(-size, size, p > vec4f(0.5)), inside);
}

// A term of short_piece4: the integrand at a point of 0 .. w, times its weight.
fn short_term4(c: vec4f, w: vec4f, k: f32, point: f32, weight: f32) -> vec4f {
  let t = point * w;
  let value = exp_nonpositive4(-t * fma(vec4f(0.5), t, c)) * weight;
  return select(value, value * t, k > 0.0);
}

// int_0^w e^(-c t - t^2/2) t^k dt, c >= 0, for short pieces: c w + w^2/2 <= 1. Gauss and Legendre's four points.
fn short_piece4(c: vec4f, w: vec4f, k: f32) -> vec4f {
  let first = short_term4(c, w, k, 0.0694318442, 0.173927423);
  let second = short_term4(c, w, k, 0.330009478, 0.326072577);
  let third = short_term4(c, w, k, 0.669990522, 0.326072577);
  let fourth = short_term4(c, w, k, 0.930568156, 0.173927423);
  return (first + second + third + fourth) * w;
}

fn is_short4(c: vec4f, w: vec4f) -> vec4<bool> { return w * fma(vec4f(0.5), w, c) <= vec4f(1.0); }

// int_0^w e^(-c t - t^2/2) dt, c >= 0.
fn normal_piece4(c: vec4f, w: vec4f) -> vec4f {
  let left = exp_nonpositive4(-w * fma(vec4f(0.5), w, c));
  return select(mills4(c) - left * mills4(c + w), short_piece4(c, w, 0.0), is_short4(c, w));
}

// int_0^w t e^(-c t - t^2/2) dt, c >= 0.
fn normal_piece_moment4(c: vec4f, w: vec4f) -> vec4f {
  let left = exp_nonpositive4(-w * fma(vec4f(0.5), w, c));
  let beyond = left * fma(w, mills4(c + w), mills_rest4(c + w));
  return select(mills_rest4(c) - beyond, short_piece4(c, w, 1.0), is_short4(c, w));
}

// The t in 0 .. w beyond which a share u of the piece lies.
fn normal_piece_quantile4(c: vec4f, w: vec4f, u: vec4f) -> vec4f {
  let whole = short_piece4(c, w, 0.0);
  // Nearly a straight line, and concave: Newton's steps come to its root from below.
  var near = w * (1.0 - u);
  for (var i = 0; i < 3; i++) {
    let off = short_piece4(c, near, 0.0) - whole * (1.0 - u);
    near -= off / exp_nonpositive4(-near * fma(vec4f(0.5), near, c));
  }
  let left = exp_nonpositive4(-w * fma(vec4f(0.5), w, c)) * mills4(c + w) / mills4(c);
  let far = tail_quantile4(c, -log4(u + (1.0 - u) * left));
  let t = select(far, near, is_short4(c, w));
  return select(select(t, w, t > w), vec4f(0.0), t < vec4f(0.0));
}
