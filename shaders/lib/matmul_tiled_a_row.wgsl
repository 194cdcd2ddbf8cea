// @import lib/matmul_problem
// Operand A stored [m, k]: a tile is staged as BLOCK_M rows of K_STEP floats. One quad is left out
// after every four rows, so that invocations that read different rows meet different banks.
const A_ROW_QUADS: u32 = K_STEP / 4u;

fn a_place(slot: u32) -> u32 {
  return slot + slot / (4u * A_ROW_QUADS);
}

fn a_fetch(slot: u32, batch: u32, row: u32, k: u32, length: u32) -> vec4f {
  let at_row = row + slot / A_ROW_QUADS;
  let at_k = k + slot % A_ROW_QUADS * 4u;
  let quad = a_quad(A_OFFSET + batch * A_BATCH_STRIDE + at_row * A_LD + at_k);
  return within_k(quad, at_k, length);
}

// Column r is A[row+r, 4·k4 … 4·k4+3] of the tile.
fn a_block(row: u32, k4: u32) -> mat4x4f {
  let at = row * A_ROW_QUADS + row / 4u + k4;
  return mat4x4f(
    a_tile[at],
    a_tile[at + A_ROW_QUADS],
    a_tile[at + 2u * A_ROW_QUADS],
    a_tile[at + 3u * A_ROW_QUADS],
  );
}
