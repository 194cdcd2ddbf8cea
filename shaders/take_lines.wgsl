// Elements of each line picked by place: y[l, j] = x[l, index[l, j]], NaN where that lies outside.
// Bytes: y and the index once, of x as much. No operations.
const LINES: u32 = 1u;
const N: u32 = 8u;
const COUNT: u32 = 8u;
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<u32, LINES * N>;
@group(0) @binding(1) var<storage, read> index: array<u32, LINES * COUNT>;
@group(0) @binding(2) var<storage, read_write> y: array<u32, LINES * COUNT>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= LINES * COUNT) { return; }
  let i = index[at];
  // Bits as they are: no number is lost or made another on its way.
  y[at] = select(x[at / COUNT * N + min(i, N - 1u)], 0x7fc00000u, i >= N);
}
