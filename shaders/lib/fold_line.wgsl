// Folds of a short row by the LINE invocations that hold a quad of it each, in order. LANES of them
// share several such rows, and those left over go along with the last. Every one of them gets the
// result; all invocations of the workgroup call together.
// @import lib/fold_shape
// @import lib/fold_quad
// @import lib/online_logsumexp
// @import lib/arithmetic

// Quads of a row.
const LINE: u32 = 1u;

var<workgroup> line_scratch: array<vec2f, WORKGROUP>;

// The place of the row's first quad.
fn line_start(place: u32) -> u32 {
  let lane = place % LANES;
  return place - lane + min(lane / LINE, LANES / LINE - 1u) * LINE;
}

fn line_sum(quad: vec4f, place: u32) -> f32 {
  line_scratch[place].x = quad_sum(quad);
  workgroupBarrier();
  let start = line_start(place);
  var total = line_scratch[start].x;
  for (var i = 1u; i < LINE; i++) { total += line_scratch[start + i].x; }
  workgroupBarrier();
  return total;
}

fn line_max(quad: vec4f, place: u32) -> f32 {
  line_scratch[place].x = quad_max(quad);
  workgroupBarrier();
  let start = line_start(place);
  var top = line_scratch[start].x;
  for (var i = 1u; i < LINE; i++) { top = max(top, line_scratch[start + i].x); }
  workgroupBarrier();
  return top;
}

fn line_logsumexp(state: vec2f, place: u32) -> f32 {
  line_scratch[place] = state;
  workgroupBarrier();
  let start = line_start(place);
  var total = line_scratch[start];
  for (var i = 1u; i < LINE; i++) { total = lse_merge(total, line_scratch[start + i]); }
  workgroupBarrier();
  return lse_finish(total);
}
