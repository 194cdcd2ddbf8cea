// A convolution's weight w [OUT, IN, TAPS] with its taps in the opposite order, made ready to be
// multiplied with pixels before their neighbours are summed:
//   y[t, o, i] = w[o, i, TAPS - 1 - t]
// Bytes: either once. No operations.
const OUT: u32 = 1u;
const IN: u32 = 1u;
const TAPS: u32 = 9u;
// From y to w.
const BACK: bool = false;
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

@group(0) @binding(0) var<storage, read> source: array<f32, OUT * IN * TAPS>;
@group(0) @binding(1) var<storage, read_write> result: array<f32, OUT * IN * TAPS>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= OUT * IN * TAPS) { return; }
  let tap = TAPS - 1u - at / (OUT * IN);
  let there = at % (OUT * IN) * TAPS + tap;
  if (BACK) { result[there] = source[at]; } else { result[at] = source[there]; }
}
