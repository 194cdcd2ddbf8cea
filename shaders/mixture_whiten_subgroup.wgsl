enable subgroups;
// The same as mixture_whiten.wgsl for adapters whose subgroups are exactly four invocations wide: the four
// take ROWS rows of a component together, and four quads of outputs side by side. Each lane loads one row of
// four and gets the others by swapping, as in matmul_subgroup.wgsl: ROWS / 4 + 5 quads for 16 · ROWS fused
// operations. Of the sums what lies left of the end of the four quads: D² + 16 D operations.
// @import lib/mixture_rows
const ROWS: u32 = 12u;
const GRID_X: u32 = 1u;

const TILES: u32 = (B + ROWS - 1u) / ROWS;
const p: u32 = 0u;
const s: u32 = 0u;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let unit = group.y * GRID_X + group.x;
  if (unit >= COMPONENTS * TILES) { return; }
  let component = unit / TILES;
  let first = unit % TILES * ROWS;
  // @unroll p ROWS / 4
  let start_p = min(first + 4u * p + lane, B - 1u) * XQ;
  // @unroll s 4
  var squares_p_s = 0.0;
  // @end
  // @end
  for (var tile = 0u; tile < XQ; tile += 4u) {
    let quad = tile + lane;
    // Past the last quad a lane repeats it, and keeps nothing.
    let column = min(quad, XQ - 1u);
    // @unroll p ROWS / 4
    // @unroll s 4
    var y_p_s = vec4f(0.0);
    // @end
    // @end
    let end = min(tile + 4u, XQ);
    for (var k = 0u; k < end; k++) {
      let center = mean[component * XQ + k];
      let at = (component / SHARE * 4u * XQ + 4u * k) * XQ + column;
      let f_0 = factor[at];
      let f_1 = factor[at + XQ];
      let f_2 = factor[at + 2u * XQ];
      let f_3 = factor[at + 3u * XQ];
      // @unroll p ROWS / 4
      let x_p_0 = x[start_p + k] - center;
      let x_p_1 = quadSwapX(x_p_0);
      let x_p_2 = quadSwapY(x_p_0);
      let x_p_3 = quadSwapDiagonal(x_p_0);
      // @unroll s 4
      y_p_s = fma(f_3, vec4f(x_p_s.w), fma(f_2, vec4f(x_p_s.z),
        fma(f_1, vec4f(x_p_s.y), fma(f_0, vec4f(x_p_s.x), y_p_s))));
      // @end
      // @end
    }
    if (quad < XQ) {
      // @unroll p ROWS / 4
      // @unroll s 4
      squares_p_s += dot(y_p_s, y_p_s);
      put_quad(component, first + 4u * p + (lane ^ s), quad, y_p_s);
      // @end
      // @end
    }
  }
  // @unroll p ROWS / 4
  let total_p = squares_p_0 + quadSwapX(squares_p_1) + quadSwapY(squares_p_2) + quadSwapDiagonal(squares_p_3);
  finish_row(component, first + 4u * p + lane, total_p);
  // @end
}
