// @import lib/matmul_problem
// Operand B stored [n, k]: a tile is staged as BLOCK_N rows of K_STEP floats. One quad is left out
// after every four rows, so that invocations that read different rows meet different banks.
const B_ROW_QUADS: u32 = K_STEP / 4u;

fn b_place(slot: u32) -> u32 {
  return slot + slot / (4u * B_ROW_QUADS);
}

fn b_fetch(slot: u32, batch: u32, col: u32, k: u32, length: u32) -> vec4f {
  let at_col = col + slot / B_ROW_QUADS;
  let at_k = k + slot % B_ROW_QUADS * 4u;
  let quad = b_quad(B_OFFSET + batch * B_BATCH_STRIDE + at_col * B_LD + at_k);
  return within_k(quad, at_k, length);
}

// Column q is B[4·k4+q, col … col+3] of the tile.
fn b_block(col: u32, k4: u32) -> mat4x4f {
  let at = col * B_ROW_QUADS + col / 4u + k4;
  return transpose(mat4x4f(
    b_tile[at],
    b_tile[at + B_ROW_QUADS],
    b_tile[at + 2u * B_ROW_QUADS],
    b_tile[at + 3u * B_ROW_QUADS],
  ));
}
