// @import lib/matmul_problem
// Operand B stored [k, n]: a tile is staged as K_STEP rows of BLOCK_N floats.
const B_ROW_QUADS: u32 = BLOCK_N / 4u;

fn b_place(slot: u32) -> u32 {
  return slot;
}

fn b_fetch(slot: u32, batch: u32, col: u32, k: u32, length: u32) -> vec4f {
  let at_k = k + slot / B_ROW_QUADS;
  let at_col = col + slot % B_ROW_QUADS * 4u;
  let quad = b_quad(B_OFFSET + batch * B_BATCH_STRIDE + at_k * B_LD + at_col);
  return within_k1(quad, at_k, length);
}

// Column q is B[4·k4+q, col … col+3] of the tile.
fn b_block(col: u32, k4: u32) -> mat4x4f {
  let at = k4 * 4u * B_ROW_QUADS + col / 4u;
  return mat4x4f(
    b_tile[at],
    b_tile[at + B_ROW_QUADS],
    b_tile[at + 2u * B_ROW_QUADS],
    b_tile[at + 3u * B_ROW_QUADS],
  );
}
