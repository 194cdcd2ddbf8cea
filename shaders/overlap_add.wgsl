// The transpose of `patches`: every window's values go back to the pixels they were read from, and
// are summed there:
//   x[b, p, q, c] = Σ_{u, v} y[b, (p + TOP - u·D)/S, (q + LEFT - v·D)/S, u, v, c]
// over the taps for which the divisions are whole and lie inside. The sum has a fixed order.
// Reads y once, writes x once.
// @import lib/window
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;
// Cells of a patch: those of its taps, and what fills it up.
const ROW: u32 = 9u;
// Of taps a pixel apart only every stride-th reaches a pixel.
const STEP: u32 = select(1u, STRIDE, DILATION == 1u);

@group(0) @binding(0) var<storage, read> y: array<Cell, PLACES * ROW>;
@group(0) @binding(1) var<storage, read_write> x: array<Cell, PIXELS * CELLS>;

// One invocation a cell of the image.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= PIXELS * CELLS) { return; }
  let pixel = at / CELLS;
  let cell = at - pixel * CELLS;
  let line = pixel / WIDTH;
  let image = line / HEIGHT;
  let p = line - image * HEIGHT + TOP;
  let q = pixel - line * WIDTH + LEFT;
  var total = Cell();
  for (var u = p % STEP; u < KERNEL_HEIGHT; u += STEP) {
    // Wraps around below zero, and is then beyond the last row.
    let row = (p - u * DILATION) / STRIDE;
    if (row >= OUT_HEIGHT || row * STRIDE != p - u * DILATION) { continue; }
    let places = (image * OUT_HEIGHT + row) * OUT_WIDTH;
    for (var v = q % STEP; v < KERNEL_WIDTH; v += STEP) {
      let column = (q - v * DILATION) / STRIDE;
      if (column < OUT_WIDTH && column * STRIDE == q - v * DILATION) {
        total += y[(places + column) * ROW + (u * KERNEL_WIDTH + v) * CELLS + cell];
      }
    }
  }
  x[at] = total;
}
