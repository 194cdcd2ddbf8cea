// Columns of a matrix in another order: y[n, i] = x[n, index[i]], no number where there is no such column.
// Bytes: x once, y once. No operations.
const ROWS: u32 = 1u;
const WIDTH: u32 = 4u;
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<f32, ROWS * WIDTH>;
@group(0) @binding(1) var<storage, read> index: array<u32, WIDTH>;
@group(0) @binding(2) var<storage, read_write> y: array<f32, ROWS * WIDTH>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= ROWS * WIDTH) { return; }
  let i = index[at % WIDTH];
  let value = x[at / WIDTH * WIDTH + min(i, WIDTH - 1u)];
  y[at] = select(value, bitcast<f32>(i | 0x7fc00000u), i >= WIDTH);
}
