enable subgroups;
// A chain of products in one dispatch, as layers.wgsl has it, for adapters whose subgroups are exactly
// four invocations wide, where a load or a barrier costs far more than exchanging registers.
//
// Shapes, operations, bytes: see layers.wgsl. A workgroup is one subgroup; lane i keeps every fourth
// row from the i-th on to itself, between layers in strips that are private: there is no barrier.
// Loads: in a wide layer a lane multiplies ROWS rows by its four columns, loads a quarter of the rows'
// quads and gets the others by swapping, as in matmul_subgroup.wgsl; another swap brings the sums to the
// lane that keeps their row. In a narrow layer (at most two quads) each lane computes its own rows.
// @import lib/layers_shape

// Whether a layer is narrow.
// @hook tiles
const NARROW_0: bool = false;
// @end

const BLOCKS: u32 = ROWS / 4u;

// What the lines below are unrolled by: declared, so that this file stands by itself; gone from a kernel.
const l: u32 = 0u;
const p: u32 = 0u;
const s: u32 = 0u;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.y * GRID_X + group.x;
  let part = index % PARTS;
  let first = index / PARTS * ROWS;
  for (var slot = 0u; slot < BLOCKS * K_QUADS_0; slot++) {
    enter(slot, first + slot / K_QUADS_0 * 4u + lane, slot % K_QUADS_0 * 4u, part);
  }
  // @unroll l LAYERS
  {
    let quads = quad_range_l(part);
    if (NARROW_l) {
      for (var quad = quads.x; quad < quads.y; quad++) {
        let start = weight_start_l(quad * 4u);
        // @unroll p BLOCKS
        var acc_p = vec4f(0.0);
        // @end
        for (var k4 = 0u; k4 < K_QUADS_l; k4++) {
          let b = weight_block_l(start, k4);
          // @unroll p BLOCKS
          let a_p = take_l(p * K_QUADS_l + k4);
          acc_p = fma(b[3], vec4f(a_p.w), fma(b[2], vec4f(a_p.z),
            fma(b[1], vec4f(a_p.y), fma(b[0], vec4f(a_p.x), acc_p))));
          // @end
        }
        var tile: array<vec4f, BLOCKS>;
        // @unroll p BLOCKS
        tile[p] = acc_p;
        // @end
        for (var place = 0u; place < BLOCKS; place++) {
          leave_l(place, first + place * 4u + lane, quad * 4u, part, tile[place]);
        }
      }
    } else {
      for (var quad = quads.x; quad < quads.y; quad += 4u) {
        let start = weight_start_l((quad + lane) * 4u);
        // @unroll p BLOCKS
        // @unroll s 4
        var acc_p_s = vec4f(0.0);
        // @end
        // @end
        for (var k4 = 0u; k4 < K_QUADS_l; k4++) {
          let b = weight_block_l(start, k4);
          // @unroll p BLOCKS
          let a_p_0 = take_l(p * K_QUADS_l + k4);
          let a_p_1 = quadSwapX(a_p_0);
          let a_p_2 = quadSwapY(a_p_0);
          let a_p_3 = quadSwapDiagonal(a_p_0);
          // @unroll s 4
          acc_p_s = fma(b[3], vec4f(a_p_s.w), fma(b[2], vec4f(a_p_s.z),
            fma(b[1], vec4f(a_p_s.y), fma(b[0], vec4f(a_p_s.x), acc_p_s))));
          // @end
          // @end
        }
        // The finished tile goes through an array, so that what follows is compiled once.
        var tile: array<vec4f, ROWS>;
        // @unroll p BLOCKS
        tile[p * 4u] = acc_p_0;
        tile[p * 4u + 1u] = quadSwapX(acc_p_1);
        tile[p * 4u + 2u] = quadSwapY(acc_p_2);
        tile[p * 4u + 3u] = quadSwapDiagonal(acc_p_3);
        // @end
        for (var at = 0u; at < ROWS; at++) {
          let place = at / 4u;
          let own = quad + ((at % 4u) ^ lane);
          if (own < quads.y) {
            leave_l(place, first + place * 4u + lane, own * 4u, part, tile[at]);
          }
        }
      }
    }
  }
  // @end
}
