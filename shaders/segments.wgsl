// Folds over segments of each line of x [LINES, N], told at every element: y[l, i] is the fold (`fold`) of all x[l, j]
// of the segment that i lies in. An invocation a segment of a line: segments are short, and lines many.
// Bytes: x once, y once. N operations a line.
const LINES: u32 = 1u;
const N: u32 = 8u;
const SEGMENTS: u32 = 1u;
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

// Where segments begin, and the end of the last.
// @hook starts
const STARTS = array<u32, 2>(0u, 8u);
// @end

// @hook fold
// @import lib/running_sum
// @end

@group(0) @binding(0) var<storage, read> x: array<f32, LINES * N>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, LINES * N>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let unit = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (unit >= LINES * SEGMENTS) { return; }
  // Not every compiler indexes a constant by a variable.
  var starts = STARTS;
  let line = unit / SEGMENTS * N;
  let start = line + starts[unit % SEGMENTS];
  let end = line + starts[unit % SEGMENTS + 1u];
  var state = running_of(NOTHING);
  for (var i = start; i < end; i++) { state = running_merge(state, running_of(x[i])); }
  let value = running_value(state);
  for (var i = start; i < end; i++) { y[i] = value; }
}
