// Running folds along an axis: y[i] = x[0] + ... + x[i], or another fold (`fold`), or without x[i].
// LANES invocations share a line, GROUP lines a workgroup. A lane folds RUN elements that follow each other
// in registers; the totals of all runs are scanned in workgroup memory (Hillis and Steele 1986); each run is
// then gone through again from what lies before it. So a block of LANES * RUN elements is done, and the lanes
// walk on to the next of their part. The tree is fixed: the bits are the same every time.
// Where a line lies in one piece its block is staged in workgroup memory, so that neighbours read and write
// side by side; RUN is odd, and no two of them meet in a bank. Elsewhere neighbours take neighbouring lines.
// Bytes: x once, y once. 2 N + N / RUN * log2(LANES) operations a line.
// @import lib/scan_lines
const RUN: u32 = 7u;
// A power of two.
const LANES: u32 = 8u;
const WORKGROUP: u32 = 8u;
// Elements of the stage: those of a block of each line, or one.
const STAGE: u32 = 56u;
const GRID_X: u32 = 1u;

const GROUP: u32 = WORKGROUP / LANES;
const BLOCK: u32 = LANES * RUN;
const ACROSS: bool = INNER > 1u;
// From one lane's total to the next lane's.
const PITCH: u32 = select(1u, GROUP, ACROSS);
const r: u32 = 0u;

// @hook fold
// @import lib/running_sum
// @end

// @hook memory
// @import lib/scan_whole
// @end

var<workgroup> stage: array<f32, STAGE>;
// Two halves, written in turn.
var<workgroup> totals: array<Running, 2u * WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let unit = group.y * GRID_X + group.x;
  let part = unit % PARTS;
  let lane = select(local % LANES, local / GROUP, ACROSS);
  let slot = select(local / LANES, local % GROUP, ACROSS);
  let line = unit / PARTS * GROUP + slot;
  let staged = slot * BLOCK;
  // Past the last line there is nothing to do but to meet.
  let stop = min(N, (part + 1u) * LENGTH);
  let end = select(0u, stop, line < LINES);
  var before = running_of(NOTHING);
  if (end > 0u) { before = running_of(scan_before(line, part)); }
  for (var start = part * LENGTH; start < stop; start += BLOCK) {
    if (!ACROSS) {
      // @unroll r RUN
      stage[staged + r * LANES + lane] = element(line, start + r * LANES + lane, end);
      // @end
    }
    workgroupBarrier();
    let first = lane * RUN;
    // @unroll r RUN
    var x_r = NOTHING;
    if (ACROSS) { x_r = element(line, start + first + r, end); } else { x_r = stage[staged + first + r]; }
    // @end
    var total = running_of(x_0);
    // @unroll r RUN
    if (r > 0u) { total = running_merge(total, running_of(x_r)); }
    // @end
    var half = 0u;
    totals[local] = total;
    workgroupBarrier();
    for (var gap = 1u; gap < LANES; gap *= 2u) {
      if (lane >= gap) { total = running_merge(totals[half + local - gap * PITCH], total); }
      half = WORKGROUP - half;
      totals[half + local] = total;
      workgroupBarrier();
    }
    var state = before;
    if (lane > 0u) { state = running_merge(before, totals[half + local - PITCH]); }
    let last = half + local + (LANES - 1u - lane) * PITCH;
    before = running_merge(before, totals[last]);
    // @unroll r RUN
    let next_r = running_merge(state, running_of(x_r));
    let y_r = running_value(select(next_r, state, EXCLUSIVE));
    state = next_r;
    if (ACROSS) { put(line, start + first + r, end, y_r); } else { stage[staged + first + r] = y_r; }
    // @end
    workgroupBarrier();
    if (!ACROSS) {
      // @unroll r RUN
      put(line, start + r * LANES + lane, end, stage[staged + r * LANES + lane]);
      // @end
    }
  }
}

fn element(line: u32, position: u32, end: u32) -> f32 {
  if (position >= end) { return NOTHING; }
  return x[scan_place(line, position)];
}

fn put(line: u32, position: u32, end: u32, value: f32) {
  if (position < end) { y[scan_place(line, position)] = value; }
}
