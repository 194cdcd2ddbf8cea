// Elements put to places of a line that differ from each other: y[l, index[l, j]] = x[l, j], zeros elsewhere.
// LANES invocations a line; several need a barrier between zeros and what takes their place.
// Bytes: x and the index once, y once and of it as much again. No operations.
const LINES: u32 = 1u;
const N: u32 = 8u;
const COUNT: u32 = 8u;
const LANES: u32 = 64u;
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<f32, LINES * COUNT>;
@group(0) @binding(1) var<storage, read> index: array<u32, LINES * COUNT>;
@group(0) @binding(2) var<storage, read_write> y: array<f32, LINES * N>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let line = ((group.y * GRID_X + group.x) * WORKGROUP + local.x) / LANES;
  let lane = local.x % LANES;
  if (line < LINES) {
    for (var i = lane; i < N; i += LANES) { y[line * N + i] = 0.0; }
  }
  if (LANES > 1u) { storageBarrier(); }
  if (line < LINES) {
    for (var j = lane; j < COUNT; j += LANES) {
      let i = index[line * COUNT + j];
      if (i < N) { y[line * N + i] = x[line * COUNT + j]; }
    }
  }
}
