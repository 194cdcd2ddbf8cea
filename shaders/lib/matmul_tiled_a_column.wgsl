// @import lib/matmul_problem
// Operand A stored [k, m]: a tile is staged as K_STEP rows of BLOCK_M floats, by fours.
const A_ROW_QUADS: u32 = BLOCK_M / 4u;
const A_BLOCK_QUADS: u32 = 4u * A_ROW_QUADS;
const A_BLOCKS: u32 = (A_FETCHES * THREADS + A_BLOCK_QUADS - 1u) / A_BLOCK_QUADS;
var<workgroup> a_tile: array<array<array<vec4f, A_ROW_QUADS>, 4>, A_BLOCKS>;

fn a_store(slot: u32, quad: vec4f) {
  a_tile[slot / A_BLOCK_QUADS][slot / A_ROW_QUADS % 4u][slot % A_ROW_QUADS] = quad;
}

fn a_fetch(slot: u32, batch: u32, row: u32, k: u32, length: u32) -> vec4f {
  let at_k = k + slot / A_ROW_QUADS;
  let at_row = row + slot % A_ROW_QUADS * 4u;
  let quad = a_quad(A_OFFSET + batch * A_BATCH_STRIDE + at_k * A_LD + at_row);
  return within_k1(quad, at_k, length);
}

// Column r is A[4·at+r, 4·k4 … 4·k4+3] of the tile.
fn a_block(at: u32, k4: u32) -> mat4x4f {
  return transpose(mat4x4f(
    a_tile[k4][0][at],
    a_tile[k4][1][at],
    a_tile[k4][2][at],
    a_tile[k4][3][at],
  ));
}
