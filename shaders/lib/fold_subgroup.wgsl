// Folds of a row by LANES invocations of one subgroup, by a fixed tree, without workgroup memory or a
// barrier. Every one of them gets the result; all invocations of the workgroup call together.
// @import lib/fold_near
// @import lib/fold_quad
// @import lib/arithmetic

fn fold_sum(quad: vec4f, place: u32) -> f32 {
  return near_sum(quad_sum(quad), LANES);
}

fn fold_max(quad: vec4f, place: u32) -> f32 {
  return near_max(quad_max(quad), LANES);
}

fn fold_logsumexp(state: vec2f, place: u32) -> f32 {
  return lse_finish(near_logsumexp(state, LANES));
}

// Between the last read of a row's inputs and the first write of a row's results.
fn fold_barrier() { storageBarrier(); }
