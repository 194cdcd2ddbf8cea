// The patches under a convolution's window, one a row, so that the convolution is a matrix product:
//   y[b, i, j, u, v, c] = x[b, i·S + u - TOP, j·S + v - LEFT, c], zero outside the image.
// Images lie channels last. Reads x once a window position, writes y once; no operations.
// Chellapilla, Puri and Simard 2006.
const BATCH: u32 = 1u;
const HEIGHT: u32 = 4u;
const WIDTH: u32 = 4u;
const CHANNELS: u32 = 1u;
const OUT_HEIGHT: u32 = 4u;
const OUT_WIDTH: u32 = 4u;
const KERNEL_HEIGHT: u32 = 3u;
const KERNEL_WIDTH: u32 = 3u;
const STRIDE: u32 = 1u;
const TOP: u32 = 1u;
const LEFT: u32 = 1u;
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

const ROWS: u32 = BATCH * OUT_HEIGHT * OUT_WIDTH;
const TAPS: u32 = KERNEL_HEIGHT * KERNEL_WIDTH;

@group(0) @binding(0) var<storage, read> x: array<f32, BATCH * HEIGHT * WIDTH * CHANNELS>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, ROWS * TAPS * CHANNELS>;

// One invocation a tap of a window: all channels of a pixel.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= ROWS * TAPS) { return; }
  let window = at / TAPS;
  let tap = at % TAPS;
  let image = window / (OUT_HEIGHT * OUT_WIDTH);
  let place = window % (OUT_HEIGHT * OUT_WIDTH);
  // Wraps around below zero, which is outside, too.
  let row = place / OUT_WIDTH * STRIDE + tap / KERNEL_WIDTH - TOP;
  let column = place % OUT_WIDTH * STRIDE + tap % KERNEL_WIDTH - LEFT;
  let inside = row < HEIGHT && column < WIDTH;
  let source = ((image * HEIGHT + row) * WIDTH + column) * CHANNELS;
  for (var c = 0u; c < CHANNELS; c++) {
    var value = 0.0;
    if (inside) { value = x[source + c]; }
    y[at * CHANNELS + c] = value;
  }
}
