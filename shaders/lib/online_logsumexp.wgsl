// Streaming log sum_i exp(x_i): a state (max, sum of exp(x_i - max)) that takes values one at a time,
// so that a row is read once (Milakov, Gimelshein 2018).
//
// The empty state holds the finite sentinel -3e38 for -infinity. Values may be anything within
// +-1e38; a row of -3e38 alone gives -3e38. One exponential a value: of e^(x - max) and
// e^(max - x) one is always 1. Error 1.8e-7 of max(1, |result|) for rows of 512 (SwiftShader), growing
// with at most 2^-24 a value added.

// @import lib/numerics

fn lse_start() -> vec2f { return vec2f(-3.0e38, 0.0); }

fn lse_add(state: vec2f, x: f32) -> vec2f {
  let scale = exp_nonpositive4(vec4f(-abs(x - state.x))).x;
  return select(
    vec2f(state.x, state.y + scale),
    vec2f(x, fma(state.y, scale, 1.0)),
    x > state.x,
  );
}

// Two states of disjoint values as one.
fn lse_merge(a: vec2f, b: vec2f) -> vec2f {
  let scale = exp_nonpositive4(vec4f(-abs(a.x - b.x))).x;
  return select(
    vec2f(a.x, fma(b.y, scale, a.y)),
    vec2f(b.x, fma(a.y, scale, b.y)),
    b.x > a.x,
  );
}

// One value after the other: on a software adapter a quad at once, with a fifth exponential for the
// state, costs a quarter more.
fn lse_add4(state: vec2f, x: vec4f) -> vec2f {
  return lse_add(lse_add(lse_add(lse_add(state, x.x), x.y), x.z), x.w);
}

// log sum_i exp(x_i); the empty state gives -3e38, a row that holds no number no number.
fn lse_finish(state: vec2f) -> f32 { return state.x + log4(vec4f(state.y)).x; }
