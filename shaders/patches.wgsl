// The patches under a convolution's window, one a row, so that the convolution is a matrix product:
//   y[b, i, j, u, v, c] = x[b, i·S + u·D - TOP, j·S + v·D - LEFT, c], zero outside the image.
// Reads x once a tap of the window, writes y once; no operations.
// Chellapilla, Puri and Simard 2006.
// @import lib/window
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;
// Cells of a patch: those of its taps, and what fills it up.
const ROW: u32 = 9u;
// Rows of a window that an invocation copies: all of them on software adapters, to which finding
// the place costs as much as copying.
const LINES: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<Cell, PIXELS * CELLS>;
@group(0) @binding(1) var<storage, read_write> y: array<Cell, PLACES * ROW>;

const PARTS: u32 = KERNEL_HEIGHT / LINES;

// The taps of a window's row lie side by side in either memory.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= PLACES * PARTS) { return; }
  let place = at / PARTS;
  let first = (at - place * PARTS) * LINES;
  let line = place / OUT_WIDTH;
  let image = line / OUT_HEIGHT;
  // Wraps around below zero, which is outside, too.
  let top = (line - image * OUT_HEIGHT) * STRIDE - TOP;
  let column = (place - line * OUT_WIDTH) * STRIDE - LEFT;
  for (var u = first; u < first + LINES; u++) {
    let row = top + u * DILATION;
    let source = (image * HEIGHT + row) * WIDTH + column;
    let start = place * ROW + u * KERNEL_WIDTH * CELLS;
    for (var v = 0u; v < KERNEL_WIDTH; v++) {
      let inside = row < HEIGHT && column + v * DILATION < WIDTH;
      for (var c = 0u; c < CELLS; c++) {
        var value = Cell();
        if (inside) { value = x[(source + v * DILATION) * CELLS + c]; }
        y[start + v * CELLS + c] = value;
      }
    }
  }
  if (first == 0u) {
    for (var c = TAPS * CELLS; c < ROW; c++) { y[place * ROW + c] = Cell(); }
  }
}
