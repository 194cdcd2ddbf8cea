// Folds of a row by one invocation: only the four lanes of its quads are left to combine.
// @import lib/online_logsumexp
// @import lib/arithmetic

fn fold_sum(quad: vec4f, place: u32) -> f32 { return (quad.x + quad.y) + (quad.z + quad.w); }

fn fold_max(quad: vec4f, place: u32) -> f32 {
  let pairs = select(quad.xy, quad.zw, quad.zw > quad.xy);
  return select(pairs.x, pairs.y, pairs.y > pairs.x);
}

fn fold_logsumexp(state: vec2f, place: u32) -> f32 { return lse_finish(state); }

fn fold_barrier() {}
