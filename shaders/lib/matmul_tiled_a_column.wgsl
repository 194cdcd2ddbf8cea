// @import lib/matmul_problem
// Operand A stored [k, m]: a tile is staged as K_STEP rows of BLOCK_M floats.
const A_ROW_QUADS: u32 = BLOCK_M / 4u;

fn a_place(slot: u32) -> u32 {
  return slot;
}

fn a_fetch(slot: u32, batch: u32, row: u32, k: u32, length: u32) -> vec4f {
  let at_k = k + slot / A_ROW_QUADS;
  let at_row = row + slot % A_ROW_QUADS * 4u;
  let quad = a_quad(A_OFFSET + batch * A_BATCH_STRIDE + at_k * A_LD + at_row);
  return within_k1(quad, at_k, length);
}

// Column r is A[row+r, 4·k4 … 4·k4+3] of the tile.
fn a_block(row: u32, k4: u32) -> mat4x4f {
  let at = k4 * 4u * A_ROW_QUADS + row / 4u;
  return transpose(mat4x4f(
    a_tile[at],
    a_tile[at + A_ROW_QUADS],
    a_tile[at + 2u * A_ROW_QUADS],
    a_tile[at + 3u * A_ROW_QUADS],
  ));
}
