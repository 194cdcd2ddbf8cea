// Folds of a row by LANES invocations of several subgroups, by a fixed tree: a butterfly within each,
// then one value a subgroup through workgroup memory. Every invocation gets the result; all of the
// workgroup call together.
// @import lib/fold_near
// @import lib/fold_quad
// @import lib/arithmetic

// Values that the subgroups leave of a row, and how many of these a butterfly combines.
const PARTS: u32 = LANES / NEAR;
const LAST: u32 = min(PARTS, NEAR);
const FOLD_ROWS: u32 = WORKGROUP / LANES;

// Values of neighbouring rows lie side by side, in different banks.
var<workgroup> fold_scratch: array<vec2f, PARTS * FOLD_ROWS>;

fn fold_at(place: u32, part: u32) -> u32 { return part * FOLD_ROWS + place / LANES; }

// Leaves a subgroup's value where the whole row can read it; returns the part to start from.
fn fold_share(value: vec2f, place: u32) -> u32 {
  let lane = place % LANES;
  if (lane % NEAR == 0u) { fold_scratch[fold_at(place, lane / NEAR)] = value; }
  workgroupBarrier();
  return lane % LAST;
}

fn fold_sum(quad: vec4f, place: u32) -> f32 {
  let near = near_sum(quad_sum(quad), NEAR);
  let first = fold_share(vec2f(near, 0.0), place);
  var total = fold_scratch[fold_at(place, first)].x;
  for (var part = first + LAST; part < PARTS; part += LAST) {
    total += fold_scratch[fold_at(place, part)].x;
  }
  workgroupBarrier();
  return near_sum(total, LAST);
}

fn fold_max(quad: vec4f, place: u32) -> f32 {
  let near = near_max(quad_max(quad), NEAR);
  let first = fold_share(vec2f(near, 0.0), place);
  var top = fold_scratch[fold_at(place, first)].x;
  for (var part = first + LAST; part < PARTS; part += LAST) {
    top = max(top, fold_scratch[fold_at(place, part)].x);
  }
  workgroupBarrier();
  return near_max(top, LAST);
}

fn fold_logsumexp(state: vec2f, place: u32) -> f32 {
  let first = fold_share(near_logsumexp(state, NEAR), place);
  var total = fold_scratch[fold_at(place, first)];
  for (var part = first + LAST; part < PARTS; part += LAST) {
    total = lse_merge(total, fold_scratch[fold_at(place, part)]);
  }
  workgroupBarrier();
  return lse_finish(near_logsumexp(total, LAST));
}

// Between the last read of a row's inputs and the first write of a row's results.
fn fold_barrier() { storageBarrier(); workgroupBarrier(); }
