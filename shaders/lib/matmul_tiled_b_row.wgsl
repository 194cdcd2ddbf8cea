// @import lib/matmul_problem
// Operand B stored [k, n]: a tile is staged as K_STEP rows of BLOCK_N floats, by fours.
const B_ROW_QUADS: u32 = BLOCK_N / 4u;
const B_BLOCK_QUADS: u32 = 4u * B_ROW_QUADS;
const B_BLOCKS: u32 = (B_FETCHES * THREADS + B_BLOCK_QUADS - 1u) / B_BLOCK_QUADS;
var<workgroup> b_tile: array<array<array<vec4f, B_ROW_QUADS>, 4>, B_BLOCKS>;

fn b_store(slot: u32, quad: vec4f) {
  b_tile[slot / B_BLOCK_QUADS][slot / B_ROW_QUADS % 4u][slot % B_ROW_QUADS] = quad;
}

fn b_fetch(slot: u32, batch: u32, col: u32, k: u32, length: u32) -> vec4f {
  let at_k = k + slot / B_ROW_QUADS;
  let at_col = col + slot % B_ROW_QUADS * 4u;
  let quad = b_quad(B_OFFSET + batch * B_BATCH_STRIDE + at_k * B_LD + at_col);
  return within_k1(quad, at_k, length);
}

// Column q is B[4·k4+q, 4·at … 4·at+3] of the tile.
fn b_block(at: u32, k4: u32) -> mat4x4f {
  return mat4x4f(
    b_tile[k4][0][at],
    b_tile[k4][1][at],
    b_tile[k4][2][at],
    b_tile[k4][3][at],
  );
}
