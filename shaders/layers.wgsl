// A chain of products in one dispatch: Xₗ₊₁[m, n] = f(Σ_k Xₗ[m, k] Wₗ[k, n]) for layer after layer, f
// whatever follows each product. A workgroup takes ROWS rows from the first layer to the last; the
// rows wait between layers in two strips of workgroup memory, weights are read where they lie.
//
// Shapes: X₀ [M, K_0]; layer l reads K_l numbers a row and makes N_l = K_l+1; strips hold rows of
// whole quads, padded with zeros. Columns of the last layer may be dealt out to PARTS workgroups, each
// of which does the earlier layers itself.
// Operations: 2·M·Σ K_l·N_l. Bytes it must move: 4·(M·K_0 + Σ K_l·N_l + M·N_last); weights are read
// once a workgroup.
// Loads: an invocation computes TILE_l rows of four columns and loads TILE_l + 4 quads for 4·TILE_l
// products of quads.
// @import lib/layers_shape

const WORKGROUP: u32 = 64u;

// Rows of a tile, for each layer.
// @hook tiles
const TILE_0: u32 = 1u;
// @end

// What the lines below are unrolled by: declared, so that this file stands by itself; gone from a kernel.
const l: u32 = 0u;
const p: u32 = 0u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.y * GRID_X + group.x;
  let part = index % PARTS;
  let first = index / PARTS * ROWS;
  for (var slot = local; slot < ROWS * K_QUADS_0; slot += WORKGROUP) {
    enter(slot, first + slot / K_QUADS_0, slot % K_QUADS_0 * 4u, part);
  }
  // @unroll l LAYERS
  workgroupBarrier();
  {
    let quads = quad_range_l(part);
    let width = quads.y - quads.x;
    for (var slot = local; slot < ROWS / TILE_l * width; slot += WORKGROUP) {
      let top = slot / width * TILE_l;
      let col = (quads.x + slot % width) * 4u;
      let start = weight_start_l(col);
      // @unroll p TILE_l
      var acc_p = vec4f(0.0);
      // @end
      for (var k4 = 0u; k4 < K_QUADS_l; k4++) {
        let b = weight_block_l(start, k4);
        // @unroll p TILE_l
        let a_p = take_l((top + p) * K_QUADS_l + k4);
        acc_p = fma(b[3], vec4f(a_p.w), fma(b[2], vec4f(a_p.z),
          fma(b[1], vec4f(a_p.y), fma(b[0], vec4f(a_p.x), acc_p))));
        // @end
      }
      // @unroll p TILE_l
      leave_l(top + p, first + top + p, col, part, acc_p);
      // @end
    }
  }
  // @end
}
