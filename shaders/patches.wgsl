// The patches under a convolution's window, one a row, so that the convolution is a matrix product:
//   y[b, i, j, u, v, c] = x[b, i·S + u - TOP, j·S + v - LEFT, c], zero outside the image.
// Reads x once a tap of the window, writes y once; no operations.
// Chellapilla, Puri and Simard 2006.
// @import lib/window
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<Cell, PIXELS * CELLS>;
@group(0) @binding(1) var<storage, read_write> y: array<Cell, PLACES * TAPS * CELLS>;

// One invocation a row of a window: its taps lie side by side in either memory.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= PLACES * KERNEL_HEIGHT) { return; }
  let place = at / KERNEL_HEIGHT;
  let u = at - place * KERNEL_HEIGHT;
  let line = place / OUT_WIDTH;
  let image = line / OUT_HEIGHT;
  // Wraps around below zero, which is outside, too.
  let row = (line - image * OUT_HEIGHT) * STRIDE + u - TOP;
  let column = (place - line * OUT_WIDTH) * STRIDE - LEFT;
  let source = (image * HEIGHT + row) * WIDTH + column;
  for (var v = 0u; v < KERNEL_WIDTH; v++) {
    let target_cell = (at * KERNEL_WIDTH + v) * CELLS;
    let inside = row < HEIGHT && column + v < WIDTH;
    for (var c = 0u; c < CELLS; c++) {
      var value = Cell();
      if (inside) { value = x[(source + v) * CELLS + c]; }
      y[target_cell + c] = value;
    }
  }
}
