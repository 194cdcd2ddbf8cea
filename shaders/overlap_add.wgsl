// The transpose of `patches`: every window's values go back to the pixels they were read from, and
// are summed there:
//   x[b, p, q, c] = Σ_{u, v} y[b, (p + TOP - u)/S, (q + LEFT - v)/S, u, v, c]
// over the taps for which the divisions are whole and lie inside. The sum has a fixed order.
// Reads y once, writes x once.
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

const TAPS: u32 = KERNEL_HEIGHT * KERNEL_WIDTH;
const SIZE: u32 = BATCH * HEIGHT * WIDTH * CHANNELS;

@group(0) @binding(0) var<storage, read> y: array<f32, BATCH * OUT_HEIGHT * OUT_WIDTH * TAPS * CHANNELS>;
@group(0) @binding(1) var<storage, read_write> x: array<f32, SIZE>;

// One invocation an element of the image.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= SIZE) { return; }
  let channel = at % CHANNELS;
  let pixel = at / CHANNELS;
  let q = pixel % WIDTH + LEFT;
  let p = pixel / WIDTH % HEIGHT + TOP;
  let image = pixel / (WIDTH * HEIGHT);
  var total = 0.0;
  for (var u = 0u; u < KERNEL_HEIGHT; u++) {
    let row = (p - u) / STRIDE;
    if (u > p || (p - u) % STRIDE != 0u || row >= OUT_HEIGHT) { continue; }
    for (var v = 0u; v < KERNEL_WIDTH; v++) {
      let column = (q - v) / STRIDE;
      if (v > q || (q - v) % STRIDE != 0u || column >= OUT_WIDTH) { continue; }
      let window = (image * OUT_HEIGHT + row) * OUT_WIDTH + column;
      total += y[(window * TAPS + u * KERNEL_WIDTH + v) * CHANNELS + channel];
    }
  }
  x[at] = total;
}
