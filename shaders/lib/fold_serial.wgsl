// Folds of a row by one invocation: only the four lanes of its quads are left to combine.
// @import lib/fold_quad
// @import lib/online_logsumexp
// @import lib/arithmetic

fn fold_sum(quad: vec4f, place: u32) -> f32 { return quad_sum(quad); }

fn fold_max(quad: vec4f, place: u32) -> f32 { return quad_max(quad); }

fn fold_logsumexp(state: vec2f, place: u32) -> f32 { return lse_finish(state); }

fn fold_barrier() {}
