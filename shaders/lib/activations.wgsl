// Activations and their derivatives dy/dx, elementwise over quads.
//
//   relu max(x, 0)                leaky_relu x > 0 ? x : slope x        tanh4 tanh x
//   sigmoid 1 / (1 + e^-x)        softplus log(1 + e^x)                 log_sigmoid -softplus(-x)
//   silu x sigmoid(x)             gelu x Phi(x), Phi the standard normal distribution: the exact form,
//                                 not the one with tanh (Hendrycks, Gimpel 2016)
//
// relu_grad, leaky_relu_grad, tanh_grad, sigmoid_grad and softplus_grad take the OUTPUT y, so that the
// backward pass need not keep the input; gelu_grad and silu_grad, which have no inverse, take the
// input x.
//
// Largest errors over 2^21 arguments of the whole range against float64 (SwiftShader), relative but
// for the derivatives with a zero, where absolute:
//   tanh4 3.6e-7   sigmoid 1.8e-7   softplus, log_sigmoid 2.2e-7   silu 2e-7
//   silu_grad 2.1e-7 absolute
//   gelu 7e-7 for x > -5, (1 + x^2/2) 2^-24 further down   gelu_grad 1.4e-7 absolute
//   tanh_grad, sigmoid_grad, softplus_grad 1e-7 of the y given
// Results below 1.7e-38 may be 0.

// @import lib/numerics

// A comparison that is false for what is no number lets it through.
fn relu(x: vec4f) -> vec4f { return select(x, vec4f(0.0), x <= vec4f(0.0)); }
fn relu_grad(y: vec4f) -> vec4f { return select(vec4f(0.0), vec4f(1.0), y > vec4f(0.0)); }

fn leaky_relu(x: vec4f, slope: vec4f) -> vec4f { return select(x, slope * x, x <= vec4f(0.0)); }
// For slope > 0.
fn leaky_relu_grad(y: vec4f, slope: vec4f) -> vec4f {
  return select(slope, vec4f(1.0), y > vec4f(0.0));
}

// a P(a^2) / Q(a^2), relative minimax on a = |x| <= 8.6 (1.3e-8); beyond, within 7e-8 of 1.
fn tanh4(x: vec4f) -> vec4f {
  let size = abs(x);
  let a = select(size, vec4f(8.6), size > vec4f(8.6));
  let z = a * a;
  var p = fma(z, vec4f(1.40825169e-08), vec4f(2.11224121e-05));
  p = fma(z, p, vec4f(0.00352640335));
  p = fma(z, p, vec4f(0.134068768));
  p = fma(z, p, vec4f(0.999999987));
  var q = fma(z, vec4f(8.07065486e-07), vec4f(0.000333627321));
  q = fma(z, q, vec4f(0.0259939066));
  q = fma(z, q, vec4f(0.467401983));
  q = fma(z, q, vec4f(1.0));
  let y = a * (p / q);
  return with_sign4(select(y, vec4f(1.0), y > vec4f(1.0)), x);
}
fn tanh_grad(y: vec4f) -> vec4f { return (1.0 - y) * (1.0 + y); }

fn sigmoid(x: vec4f) -> vec4f {
  let e = exp_nonpositive4(-abs(x));
  return select(e, vec4f(1.0), x >= vec4f(0.0)) / (1.0 + e);
}
fn sigmoid_grad(y: vec4f) -> vec4f { return y * (1.0 - y); }

fn softplus(x: vec4f) -> vec4f {
  return relu(x) + log1p_unit4(exp_nonpositive4(-abs(x)));
}
// sigmoid(x) = 1 - e^-softplus(x).
fn softplus_grad(y: vec4f) -> vec4f { return -expm1_4(-y); }

fn log_sigmoid(x: vec4f) -> vec4f {
  return -relu(-x) - log1p_unit4(exp_nonpositive4(-abs(x)));
}

// Phi(-a) e^(a^2/2) for a >= 0: relative minimax on a <= 13.2 (4.9e-9), past which e^(-a^2/2) is 0.
fn normal_tail4(a: vec4f) -> vec4f {
  var p = fma(a, vec4f(0.004011645), vec4f(0.0399262098));
  p = fma(a, p, vec4f(0.181134083));
  p = fma(a, p, vec4f(0.435451903));
  p = fma(a, p, vec4f(0.5));
  var q = fma(a, vec4f(0.0100555573), vec4f(0.100087636));
  q = fma(a, q, vec4f(0.463924622));
  q = fma(a, q, vec4f(1.19376484));
  q = fma(a, q, vec4f(1.66878872));
  q = fma(a, q, vec4f(1.0));
  return p / q;
}

// |x|, no larger than where both tails have vanished.
fn gelu_argument4(x: vec4f) -> vec4f {
  let size = abs(x);
  return select(size, vec4f(13.2), size > vec4f(13.2));
}

fn gelu(x: vec4f) -> vec4f {
  let a = gelu_argument4(x);
  let tail = exp_in_range4(-0.5 * a * a) * normal_tail4(a);
  return x * select(tail, 1.0 - tail, x > vec4f(0.0));
}

// Phi(x) + x phi(x), phi the normal density.
fn gelu_grad(x: vec4f) -> vec4f {
  let a = gelu_argument4(x);
  let tail = exp_in_range4(-0.5 * a * a) * fma(a, vec4f(-0.3989422804014327), normal_tail4(a));
  return select(tail, 1.0 - tail, x > vec4f(0.0));
}

fn silu(x: vec4f) -> vec4f { return x * sigmoid(x); }
// With s = sigmoid(x): s (1 + x sigmoid(-x)), and not x (1 - s), which has lost its digits.
fn silu_grad(x: vec4f) -> vec4f {
  let e = exp_nonpositive4(-abs(x));
  let inverse = 1.0 / (1.0 + e);
  let positive = x >= vec4f(0.0);
  let s = select(e, vec4f(1.0), positive) * inverse;
  let opposite = select(vec4f(1.0), e, positive) * inverse;
  return s * fma(x, opposite, vec4f(1.0));
}
