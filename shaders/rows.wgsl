// Rows: elementwise chains whose elements are folded along a row (sum, max, log-sum-exp), and what
// follows from the folds, in as many passes over the row as folds depend on each other. `process` is
// composed by the scheduler. LANES invocations share a row and combine by a fixed tree, so results
// do not depend on timing; with LANES = 1 (software adapters) there is no barrier. A long row may be
// dealt out to SPLITS parts, quad by quad of every lane, each folded on its own.
// Reads each input once a pass; n - 1 operations a fold of n elements besides the chain's own.
// @import lib/fold_shape
const ROWS: u32 = 1u;
const SPLITS: u32 = 1u;
// Whether it is elements of neighbouring rows that lie side by side in memory, and not those of one
// row: then neighbouring invocations take neighbouring rows.
const ACROSS: bool = false;
// Workgroups in a row of the dispatch; the grid is folded, because a row holds at most 65535.
const GRID_X: u32 = 1u;

// @hook folds
// @import lib/fold_serial
// @end

// @hook bindings
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
// @end

// Quads per row of the default body.
const QUADS: u32 = 1u;

// `place` is the lane's place in the workgroup: lanes of a row have consecutive ones. What is not
// live lies beyond the last row; its lanes only keep the others company at barriers.
// @hook process
fn process(row: u32, split: u32, lane: u32, place: u32, live: bool) {
  var total = vec4f(0.0);
  let last = select(0u, QUADS, live);
  for (var at = lane; at < last; at += LANES) { total += source[row * QUADS + at]; }
  let sum = fold_sum(total, place);
  if (live && lane == 0u) { result[row] = sum; }
}
// @end

// Elements past the end of a row, replaced by what does not change a fold.
fn within(value: vec4f, column: u32, width: u32, neutral: f32) -> vec4f {
  return select(vec4f(neutral), value, vec4u(column) + vec4u(0u, 1u, 2u, 3u) < vec4u(width));
}

// Rows, or parts of one, that a workgroup works on.
const UNITS: u32 = WORKGROUP / LANES;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  var lane = local.x % LANES;
  var slot = local.x / LANES;
  if (ACROSS) {
    lane = local.x / UNITS;
    slot = local.x % UNITS;
  }
  let unit = (group.y * GRID_X + group.x) * UNITS + slot;
  let live = unit < ROWS * SPLITS;
  process(unit % ROWS, unit / ROWS, lane, slot * LANES + lane, live);
}
