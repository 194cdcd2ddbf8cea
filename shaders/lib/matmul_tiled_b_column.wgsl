// @import lib/matmul_problem
// Operand B stored [n, k]: a tile is staged as BLOCK_N rows of K_STEP floats, in blocks of
// four rows. One quad is left out after a block, so that invocations that read different blocks meet
// different banks.
const B_ROW_QUADS: u32 = K_STEP / 4u;
const B_BLOCK_QUADS: u32 = 4u * B_ROW_QUADS;
const B_BLOCKS: u32 = (B_FETCHES * THREADS + B_BLOCK_QUADS - 1u) / B_BLOCK_QUADS;
struct BBlock { rows: array<array<vec4f, B_ROW_QUADS>, 4>, gap: vec4f }
var<workgroup> b_tile: array<BBlock, B_BLOCKS>;

fn b_store(slot: u32, quad: vec4f) {
  b_tile[slot / B_BLOCK_QUADS].rows[slot / B_ROW_QUADS % 4u][slot % B_ROW_QUADS] = quad;
}

fn b_fetch(slot: u32, batch: u32, col: u32, k: u32, length: u32) -> vec4f {
  let at_col = col + slot / B_ROW_QUADS;
  let at_k = k + slot % B_ROW_QUADS * 4u;
  let quad = b_quad(B_OFFSET + batch * B_BATCH_STRIDE + at_col * B_LD + at_k);
  return within_k(quad, at_k, length);
}

// Column q is B[4·k4+q, 4·at … 4·at+3] of the tile.
fn b_block(at: u32, k4: u32) -> mat4x4f {
  return transpose(mat4x4f(
    b_tile[at].rows[0][k4],
    b_tile[at].rows[1][k4],
    b_tile[at].rows[2][k4],
    b_tile[at].rows[3][k4],
  ));
}
