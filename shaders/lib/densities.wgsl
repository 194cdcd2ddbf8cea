// Log-densities in nats and their derivatives, elementwise over quads; a reduction over features is
// the caller's. Scales are given by their logarithms. Written so that no term cancels against
// another. Largest errors over 2^20 arguments with |x|, |mean| <= 100, |log_std| <= 6 against float64
// (SwiftShader), in units of 2^-24 of the largest term of the formula, z^2 and |log_std| for instance:
//   normal_log_prob 4, _dmean 5, _dlog_std 7             standard_normal_log_prob 2
//   bernoulli_log_prob, _dlogits 5                       reparameterize 4
//   kl_standard_normal 11, _dlog_std 2                   logistic_log_prob 5, _dmean _dlog_scale 7
//   kl_normal 20, _dmean 6, _dlog_std 19: the rounding of t = 2 (log_std_q - log_std_p) enters e^t
//   discretized_logistic_log_prob 5, _dmean _dlog_scale 6, for log_scale down to -12
//
//   normal_log_prob            log N(x; mean, e^log_std) = -z^2/2 - log_std - log(2 pi)/2,
//                              z = (x - mean) e^-log_std
//   standard_normal_log_prob   log N(x; 0, 1)
//   bernoulli_log_prob         x l - softplus(l), l the logit (x may lie anywhere within [0, 1])
//   logistic_log_prob          -z - log_scale - 2 log(1 + e^-z), z = (x - mean) e^-log_scale
//   discretized_logistic_log_prob  log of the logistic's mass in the bin of x (Salimans, Karpathy,
//                              Chen, Kingma, "PixelCNN++", 2017)
//   kl_standard_normal         KL(N(mean, e^log_std) || N(0, 1))
//   student_t_log_prob         log C(df) - log_std - (df + 1)/2 log(1 + z^2/df), z = (x - mean) e^-log_std,
//                              C = Gamma((df + 1)/2) / (Gamma(df/2) sqrt(df pi)), df > 0
//   kl_normal                  KL(N(mean_q, e^log_std_q) || N(mean_p, e^log_std_p))
//   reparameterize             mean + e^log_std noise
//
// `f_da` is the derivative of f with respect to its argument a. Those that are another's negative or an
// argument itself are not here: gradients are composed of what there is.

// @import lib/activations
// @import lib/numerics

const HALF_LOG_2PI: f32 = 0.9189385332046727;

fn reparameterize(mean: vec4f, log_std: vec4f, noise: vec4f) -> vec4f {
  return fma(exp4(log_std), noise, mean);
}

fn standard_normal_log_prob(x: vec4f) -> vec4f { return fma(-0.5 * x, x, vec4f(-HALF_LOG_2PI)); }

fn normal_log_prob(x: vec4f, mean: vec4f, log_std: vec4f) -> vec4f {
  let z = (x - mean) * exp4(-log_std);
  return fma(-0.5 * z, z, -HALF_LOG_2PI - log_std);
}
fn normal_log_prob_dmean(x: vec4f, mean: vec4f, log_std: vec4f) -> vec4f {
  let inverse = exp4(-log_std);
  return (x - mean) * inverse * inverse;
}
fn normal_log_prob_dlog_std(x: vec4f, mean: vec4f, log_std: vec4f) -> vec4f {
  let z = (x - mean) * exp4(-log_std);
  return fma(z, z, vec4f(-1.0));
}

// l > 0: l (x - 1) - log(1 + e^-l); else l x - log(1 + e^l).
fn bernoulli_log_prob(logits: vec4f, x: vec4f) -> vec4f {
  let weight = select(x, x - 1.0, logits > vec4f(0.0));
  return fma(logits, weight, -log1p_unit4(exp_nonpositive4(-abs(logits))));
}
// x - sigmoid(l), which for l > 0 is (x - 1) + sigmoid(-l).
fn bernoulli_log_prob_dlogits(logits: vec4f, x: vec4f) -> vec4f {
  let e = exp_nonpositive4(-abs(logits));
  let small = e / (1.0 + e);
  let positive = logits > vec4f(0.0);
  return select(x, x - 1.0, positive) + select(-small, small, positive);
}

// mean^2/2 + (e^(2s) - 1 - 2s)/2: neither term is negative, and the second keeps its digits at s = 0.
fn kl_standard_normal(mean: vec4f, log_std: vec4f) -> vec4f {
  return 0.5 * fma(mean, mean, expm1_minus_x4(log_std + log_std));
}
fn kl_standard_normal_dlog_std(mean: vec4f, log_std: vec4f) -> vec4f {
  return expm1_4(log_std + log_std);
}

// With t = 2 (log_std_q - log_std_p), d = (mean_q - mean_p) e^-log_std_p: (d^2 + e^t - 1 - t)/2.
fn kl_normal(mean_q: vec4f, log_std_q: vec4f, mean_p: vec4f, log_std_p: vec4f) -> vec4f {
  let d = (mean_q - mean_p) * exp4(-log_std_p);
  return 0.5 * fma(d, d, expm1_minus_x4(2.0 * (log_std_q - log_std_p)));
}
fn kl_normal_dmean_q(mean_q: vec4f, log_std_q: vec4f, mean_p: vec4f, log_std_p: vec4f) -> vec4f {
  let inverse = exp4(-log_std_p);
  return (mean_q - mean_p) * inverse * inverse;
}
fn kl_normal_dlog_std_q(mean_q: vec4f, log_std_q: vec4f, mean_p: vec4f, log_std_p: vec4f) -> vec4f {
  return expm1_4(2.0 * (log_std_q - log_std_p));
}
fn kl_normal_dmean_p(mean_q: vec4f, log_std_q: vec4f, mean_p: vec4f, log_std_p: vec4f) -> vec4f {
  return -kl_normal_dmean_q(mean_q, log_std_q, mean_p, log_std_p);
}
fn kl_normal_dlog_std_p(mean_q: vec4f, log_std_q: vec4f, mean_p: vec4f, log_std_p: vec4f) -> vec4f {
  let d = (mean_q - mean_p) * exp4(-log_std_p);
  return -fma(d, d, expm1_4(2.0 * (log_std_q - log_std_p)));
}

// tanh(z/2) = (1 - e^-z) / (1 + e^-z), for the derivatives of the logistic.
fn tanh_half4(z: vec4f) -> vec4f {
  let m = expm1_4(-abs(z));
  let size = -m / (2.0 + m);
  return select(size, -size, z < vec4f(0.0));
}

// Even in z: -|z| - log_scale - 2 log(1 + e^-|z|).
fn logistic_log_prob(x: vec4f, mean: vec4f, log_scale: vec4f) -> vec4f {
  let a = abs((x - mean) * exp4(-log_scale));
  return -(a + log_scale + 2.0 * log1p_unit4(exp_nonpositive4(-a)));
}
fn logistic_log_prob_dmean(x: vec4f, mean: vec4f, log_scale: vec4f) -> vec4f {
  let inverse = exp4(-log_scale);
  return inverse * tanh_half4((x - mean) * inverse);
}
fn logistic_log_prob_dlog_scale(x: vec4f, mean: vec4f, log_scale: vec4f) -> vec4f {
  let z = (x - mean) * exp4(-log_scale);
  return fma(z, tanh_half4(z), vec4f(-1.0));
}

// log C(df) of Student's t. With a = df/2, A = a + 4: log Gamma(A + 1/2) - log Gamma(A) by its asymptotic
// series (DLMF 5.11.13; the first term left out is below 1e-8), brought down to a by the recurrence: no
// two logarithms of gamma functions, whose digits would cancel.
fn student_t_log_constant4(df: vec4f) -> vec4f {
  let a = 0.5 * df;
  let r = 1.0 / (a + 4.0);
  let r2 = r * r;
  let series = r * fma(r2, fma(r2, fma(r2, vec4f(-0.0011858259), vec4f(0.0015625)), vec4f(-0.0052083333)), vec4f(0.125));
  let p = (a / (a + 0.5)) * ((a + 1.0) / (a + 1.5)) * ((a + 2.0) / (a + 2.5)) * ((a + 3.0) / (a + 3.5));
  return 0.5 * log_positive4(p * p * ((a + 4.0) / a)) - series - HALF_LOG_2PI;
}
// d log C / d df, half the derivative with respect to a.
fn student_t_log_constant_ddf4(df: vec4f) -> vec4f {
  let a = 0.5 * df;
  let r = 1.0 / (a + 4.0);
  let r2 = r * r;
  let series = r2 * fma(r2, fma(r2, fma(r2, vec4f(-0.0083007812), vec4f(0.0078125)), vec4f(-0.015625)), vec4f(0.125));
  let steps = 0.5 / (a * (a + 0.5)) + 0.5 / ((a + 1.0) * (a + 1.5))
    + 0.5 / ((a + 2.0) * (a + 2.5)) + 0.5 / ((a + 3.0) * (a + 3.5));
  return 0.5 * (series + steps - 2.0 * r / a);
}

fn student_t_log_prob(x: vec4f, mean: vec4f, log_std: vec4f, df: vec4f) -> vec4f {
  let z = (x - mean) * exp4(-log_std);
  let tail = 0.5 * (df + 1.0) * log1p4(z * z / df);
  return student_t_log_constant4(df) - log_std - tail;
}
fn student_t_log_prob_dmean(x: vec4f, mean: vec4f, log_std: vec4f, df: vec4f) -> vec4f {
  let inverse = exp4(-log_std);
  let z = (x - mean) * inverse;
  return inverse * z * ((df + 1.0) / fma(z, z, df));
}
// df (z^2 - 1) / (df + z^2)
fn student_t_log_prob_dlog_std(x: vec4f, mean: vec4f, log_std: vec4f, df: vec4f) -> vec4f {
  let z = (x - mean) * exp4(-log_std);
  return (z - 1.0) * (z + 1.0) * (df / fma(z, z, df));
}
fn student_t_log_prob_ddf(x: vec4f, mean: vec4f, log_std: vec4f, df: vec4f) -> vec4f {
  let z = (x - mean) * exp4(-log_std);
  let t = z * z / df;
  let pull = (t / (1.0 + t)) * (1.0 + 1.0 / df);
  return fma(vec4f(0.5), pull - log1p4(t), student_t_log_constant_ddf4(df));
}

// A logistic's bin, in units of its scale: the bounds `lower` and `upper`, the width between them, and
// whether the bin is the first (open below) or the last (open above) of the grid.
struct LogisticBin {
  lower: vec4f,
  upper: vec4f,
  width: vec4f,
  inverse: vec4f,
  first: vec4<bool>,
  last: vec4<bool>,
}

// x on the grid k / (levels - 1), k = 0 .. levels - 1.
fn logistic_bin4(x: vec4f, mean: vec4f, log_scale: vec4f, levels: vec4f) -> LogisticBin {
  let half = 0.5 / (levels - 1.0);
  let inverse = exp4(-log_scale);
  let centre = (x - mean) * inverse;
  let reach = half * inverse;
  let first = x < half;
  let last = x > 1.0 - half;
  return LogisticBin(centre - reach, centre + reach, reach + reach, inverse, first, last);
}

// With p, m the bounds and w = p - m: sigmoid(p) - sigmoid(m) = (1 - e^-w) sigmoid(p) sigmoid(-m), so
// the logarithm is log(1 - e^-w) - softplus(-p) - softplus(m), three negative terms; an open bound
// drops the terms that hold it. No mass is too small.
fn discretized_logistic_log_prob(x: vec4f, mean: vec4f, log_scale: vec4f, levels: vec4f) -> vec4f {
  let bin = logistic_bin4(x, mean, log_scale, levels);
  let e_upper = select(exp_nonpositive4(-abs(bin.upper)), vec4f(0.0), bin.last);
  let e_lower = select(exp_nonpositive4(-abs(bin.lower)), vec4f(0.0), bin.first);
  let open = bin.first | bin.last;
  let inside = select(log_positive4(-expm1_4(-bin.width)), vec4f(0.0), open);
  let linear = select(bin.upper, vec4f(0.0), bin.last | (bin.upper > vec4f(0.0)))
    - select(bin.lower, vec4f(0.0), bin.first | (bin.lower < vec4f(0.0)));
  // log(1 + a) + log(1 + b) by one logarithm.
  return inside + linear - log1p4(e_upper + e_lower + e_upper * e_lower);
}

fn discretized_logistic_log_prob_dmean(
  x: vec4f,
  mean: vec4f,
  log_scale: vec4f,
  levels: vec4f,
) -> vec4f {
  let bin = logistic_bin4(x, mean, log_scale, levels);
  let up = select(sigmoid(-bin.upper), vec4f(0.0), bin.last);
  let down = select(sigmoid(bin.lower), vec4f(0.0), bin.first);
  return bin.inverse * (down - up);
}
fn discretized_logistic_log_prob_dlog_scale(
  x: vec4f,
  mean: vec4f,
  log_scale: vec4f,
  levels: vec4f,
) -> vec4f {
  let bin = logistic_bin4(x, mean, log_scale, levels);
  let up = select(bin.upper * sigmoid(-bin.upper), vec4f(0.0), bin.last);
  let down = select(bin.lower * sigmoid(bin.lower), vec4f(0.0), bin.first);
  // w / (e^w - 1), which is 1 at w = 0.
  let width = select(bin.width, vec4f(1.0e-30), bin.width < vec4f(1.0e-30));
  let mass = width / expm1_4(width);
  return down - up - select(mass, vec4f(0.0), bin.first | bin.last);
}
