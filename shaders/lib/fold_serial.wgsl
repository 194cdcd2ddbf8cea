// Folds of a row by one invocation: only the four lanes of its quads are left to combine.
// @import lib/online_logsumexp

fn fold_sum(quad: vec4f, place: u32) -> f32 { return (quad.x + quad.y) + (quad.z + quad.w); }

fn fold_max(quad: vec4f, place: u32) -> f32 { return max(max(quad.x, quad.y), max(quad.z, quad.w)); }

fn fold_logsumexp(state: vec2f, place: u32) -> f32 { return lse_finish(state); }

fn fold_barrier() {}
