enable subgroups;
// The share of a fold that invocations of one subgroup do by exchanging registers: a butterfly, so
// that all of them get the same bits. subgroupAdd would do for sums, but leaves its order to the
// adapter.
// @import lib/fold_shape
// @import lib/online_logsumexp

// The size of every subgroup, which divides WORKGROUP: invocations that follow each other share one.
const SUBGROUP: u32 = 4u;
// How far apart in a workgroup the invocations of a row are, and how many of them a subgroup holds.
const NEAR_STEP: u32 = 1u;
const NEAR: u32 = min(LANES, max(1u, SUBGROUP / NEAR_STEP));

fn near_sum(value: f32, count: u32) -> f32 {
  var total = value;
  for (var mask = 1u; mask < count; mask *= 2u) {
    total += subgroupShuffleXor(total, mask * NEAR_STEP);
  }
  return total;
}

fn near_max(value: f32, count: u32) -> f32 {
  var top = value;
  for (var mask = 1u; mask < count; mask *= 2u) {
    top = max(top, subgroupShuffleXor(top, mask * NEAR_STEP));
  }
  return top;
}

fn near_logsumexp(state: vec2f, count: u32) -> vec2f {
  var total = state;
  for (var mask = 1u; mask < count; mask *= 2u) {
    total = lse_merge(total, subgroupShuffleXor(total, mask * NEAR_STEP));
  }
  return total;
}
