// Streaming log sum_i exp(x_i): a state (max, sum of exp(x_i - max)) that takes values one at a time
// or four at a time, so that a row is read once (Milakov, Gimelshein 2018).
//
// The empty state holds the finite sentinel -3e38 for -infinity. Values may be anything within
// +-1e38; a row of -3e38 alone gives -3e38. One exponential a value: of e^(x - max) and
// e^(max - x) one is always 1. Error 1.8e-7 of max(1, |result|) for rows of 512 (SwiftShader), growing
// with at most 2^-24 a value added.
//
//   lse_*   state vec2f(max, sum), for one value, four values or another state
//   lse4_*  the same for four independent streams, one a lane: state (max: vec4f, sum: vec4f)

// @import lib/numerics

struct Lse4 { top: vec4f, sum: vec4f }

fn lse4_start() -> Lse4 { return Lse4(vec4f(-3.0e38), vec4f(0.0)); }

fn lse4_add(state: Lse4, x: vec4f) -> Lse4 {
  let scale = exp_nonpositive4(-abs(x - state.top));
  let grows = x > state.top;
  return Lse4(
    select(state.top, x, grows),
    fma(state.sum, select(vec4f(1.0), scale, grows), select(scale, vec4f(1.0), grows)),
  );
}

// The four streams as one.
fn lse4_merge(state: Lse4) -> vec2f {
  let pair = select(state.top.xy, state.top.zw, state.top.zw > state.top.xy);
  let top = select(pair.x, pair.y, pair.y > pair.x);
  let sums = state.sum * exp_nonpositive4(state.top - top);
  return vec2f(top, (sums.x + sums.y) + (sums.z + sums.w));
}

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

fn lse_add4(state: vec2f, x: vec4f) -> vec2f {
  let pair = select(x.xy, x.zw, x.zw > x.xy);
  let top = select(pair.x, pair.y, pair.y > pair.x);
  let terms = exp_nonpositive4(x - top);
  return lse_merge(state, vec2f(top, (terms.x + terms.y) + (terms.z + terms.w)));
}

// log sum_i exp(x_i); the empty state gives -3e38.
fn lse_finish(state: vec2f) -> f32 { return state.x + log_positive4(vec4f(state.y)).x; }
