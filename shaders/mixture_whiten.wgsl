// Rows as the components of mixtures see them: y = P (x - μ), and log p(x, c) = scale - ½ yᵀ y, where scale is
// log π + log det P - D/2 log 2π (Bishop 2006, 9.22, with Σ⁻¹ = Pᵀ P). Rows are centred before they are
// multiplied, so that means far from 0 cost no digits.
// An invocation takes ROWS rows of a component, and of the sums only the quads that lie in the triangle:
// D² + 4 D operations a row and component; ROWS + 5 quads are loaded for 16 · ROWS fused operations.
// Bytes: x once a component, the result once.
// @import lib/mixture_rows
const ROWS: u32 = 4u;
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

const TILES: u32 = (B + ROWS - 1u) / ROWS;
const r: u32 = 0u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let unit = (group.y * GRID_X + group.x) * WORKGROUP + local;
  if (unit >= COMPONENTS * TILES) { return; }
  let component = unit / TILES;
  let first = unit % TILES * ROWS;
  // @unroll r ROWS
  let start_r = min(first + r, B - 1u) * XQ;
  var squares_r = 0.0;
  // @end
  for (var quad = 0u; quad < XQ; quad++) {
    // @unroll r ROWS
    var y_r = vec4f(0.0);
    // @end
    for (var k = 0u; k <= quad; k++) {
      let center = mean[component * XQ + k];
      let at = (component / SHARE * 4u * XQ + 4u * k) * XQ + quad;
      let columns = mat4x4f(factor[at], factor[at + XQ], factor[at + 2u * XQ], factor[at + 3u * XQ]);
      // @unroll r ROWS
      let x_r = x[start_r + k] - center;
      y_r += columns * x_r;
      // @end
    }
    // @unroll r ROWS
    squares_r += dot(y_r, y_r);
    put_quad(component, first + r, quad, y_r);
    // @end
  }
  // @unroll r ROWS
  finish_row(component, first + r, squares_r);
  // @end
}
