/**
 * How far a function of `shaders/lib` may be from its float64 reference, by its WGSL name: at most
 * `absolute + relative * scale`, where `scale` is the size of the exact value, or for the densities and
 * their derivatives the largest term of the formula (z^2, |log_std|, |t| e^t ...; at least 1 for
 * `logaddexp4` and `lse_finish`, the largest addend for `reparameterize`).
 *
 * Measured on SwiftShader over 2^20 arguments and more of the ranges that the shaders' headers state,
 * then doubled: an adapter is free to divide with 2.5 ULP, to take square roots with 4.5 and to fuse
 * products and sums or not. `absolute` covers denormals, which may count as 0, where nothing else is said.
 */
export interface Bound {
  absolute: number;
  relative: number;
}

/** e^x is 0 below the exponent's last half binade; everything made of it inherits that. */
const FLUSH = 2e-38;

const exact: Bound = { absolute: 0, relative: 0 };
const relative = (bound: number): Bound => ({ absolute: FLUSH, relative: bound });
const absolute = (bound: number): Bound => ({ absolute: bound, relative: 0 });

export const bounds = {
  add: relative(6e-8),
  sub: relative(6e-8),
  mul: relative(6e-8),
  div: relative(3e-7),
  neg: exact,
  abs: exact,
  square: relative(6e-8),
  sqrt: relative(5.4e-7),
  rsqrt: relative(2.4e-7),
  reciprocal: relative(3e-7),
  minimum: exact,
  maximum: exact,
  floor4: exact,
  sign4: exact,
  clamp4: exact,
  choose: exact,
  // For |y| <= 10; in proportion to |y| above.
  power: relative(1.2e-6),

  exp4: relative(1.9e-7),
  expm1_4: relative(2.5e-7),
  expm1_minus_x4: relative(1.3e-6),
  log4: relative(1.9e-7),
  log1p4: relative(3.3e-7),
  log1p_unit4: relative(5e-7),
  // For |x| <= 5e4.
  sin4: absolute(2e-7),
  cos4: absolute(2e-7),
  erf4: relative(9e-7),
  logaddexp4: relative(5e-7),
  // Beside its zeros, and that of its derivative, by absolute error.
  log_gamma4: { absolute: 3e-7, relative: 1e-6 },
  digamma4: { absolute: 1e-6, relative: 1e-6 },
  trigamma4: relative(1.2e-6),
  // Where its series' terms cancel most.
  log_gamma_slope4: { absolute: 1e-6, relative: 4e-3 },
  // The relative error grows as (1 + x^2/2) 2^-24 above 0, which `absolute` covers.
  log_ndtr4: { absolute: 1e-11, relative: 1.3e-6 },
  log_ndtr_slope4: { absolute: 1e-11, relative: 2.2e-6 },
  ndtri4: { absolute: 3e-7, relative: 3e-7 },
  normal_piece4: relative(1e-6),
  normal_piece_moment4: relative(8e-6),
  normal_piece_quantile4: { absolute: 3e-7, relative: 3e-7 },

  relu: exact,
  relu_grad: exact,
  leaky_relu: relative(6e-8),
  leaky_relu_grad: exact,
  tanh4: relative(8e-7),
  tanh_grad: relative(2e-7),
  sigmoid: relative(5e-7),
  sigmoid_grad: relative(2e-7),
  softplus: relative(6e-7),
  softplus_grad: relative(2.5e-7),
  log_sigmoid: relative(6e-7),
  // The relative error grows as (1 + x^2/2) 2^-24 in the lower tail, which `absolute` covers.
  gelu: { absolute: 2e-12, relative: 2e-6 },
  gelu_grad: absolute(6e-7),
  silu: relative(6e-7),
  silu_grad: absolute(6e-7),

  uniform4: exact,
  exponential4: relative(4e-7),
  gumbel4: absolute(2.5e-6),
  logistic4: absolute(2.5e-6),
  // 3e-7 of the radius, which is at most 6.77, and the square root.
  normal4: absolute(5e-6),

  reparameterize: relative(4e-7),
  standard_normal_log_prob: relative(2.5e-7),
  normal_log_prob: relative(5e-7),
  normal_log_prob_dmean: relative(6e-7),
  normal_log_prob_dlog_std: relative(8e-7),
  bernoulli_log_prob: relative(6e-7),
  bernoulli_log_prob_dlogits: relative(6e-7),
  kl_standard_normal: relative(1.3e-6),
  kl_standard_normal_dlog_std: relative(2.5e-7),
  kl_normal: relative(2.4e-6),
  kl_normal_dmean_q: relative(7e-7),
  kl_normal_dmean_p: relative(7e-7),
  kl_normal_dlog_std_q: relative(2.3e-6),
  kl_normal_dlog_std_p: relative(2.3e-6),
  logistic_log_prob: relative(6e-7),
  logistic_log_prob_dmean: relative(9e-7),
  logistic_log_prob_dlog_scale: relative(9e-7),
  student_t_log_prob: relative(9e-7),
  student_t_log_prob_dmean: relative(9e-7),
  student_t_log_prob_dlog_std: relative(9e-7),
  student_t_log_prob_ddf: relative(9e-7),
  discretized_logistic_log_prob: relative(7e-7),
  discretized_logistic_log_prob_dmean: relative(8e-7),
  discretized_logistic_log_prob_dlog_scale: relative(8e-7),

  // A row of 512; 2^-24 more a value.
  lse_finish: relative(5e-7),
} as const satisfies Record<string, Bound>;
