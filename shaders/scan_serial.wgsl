// Running folds along an axis, an invocation a part of a line: y[i] = x[0] + ... + x[i], or another fold
// (`fold`), or without x[i]. For machines whose barriers cost more than they bring; neighbouring
// invocations take neighbouring lines.
// Bytes: x once, y once. N operations a line.
// @import lib/scan_lines
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

// @hook fold
// @import lib/running_sum
// @end

// @hook memory
// @import lib/scan_whole
// @end

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let unit = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (unit >= LINES * PARTS) { return; }
  let line = unit % LINES;
  let part = unit / LINES;
  var state = running_of(scan_before(line, part));
  let end = min(N, (part + 1u) * LENGTH);
  for (var i = part * LENGTH; i < end; i++) {
    let at = scan_place(line, i);
    let next = running_merge(state, running_of(x[at]));
    if (EXCLUSIVE) { y[at] = running_value(state); } else { y[at] = running_value(next); }
    state = next;
  }
}
