// @import lib/matmul_problem
// Operand A stored [m, k]: a tile is staged as BLOCK_M rows of K_STEP floats, in blocks of
// four rows. One quad is left out after a block, so that invocations that read different blocks meet
// different banks.
const A_ROW_QUADS: u32 = K_STEP / 4u;
const A_BLOCK_QUADS: u32 = 4u * A_ROW_QUADS;
const A_BLOCKS: u32 = (A_FETCHES * THREADS + A_BLOCK_QUADS - 1u) / A_BLOCK_QUADS;
struct ABlock { rows: array<array<vec4f, A_ROW_QUADS>, 4>, gap: vec4f }
var<workgroup> a_tile: array<ABlock, A_BLOCKS>;

fn a_store(slot: u32, quad: vec4f) {
  a_tile[slot / A_BLOCK_QUADS].rows[slot / A_ROW_QUADS % 4u][slot % A_ROW_QUADS] = quad;
}

fn a_fetch(slot: u32, batch: u32, row: u32, k: u32, length: u32) -> vec4f {
  let at_row = row + slot / A_ROW_QUADS;
  let at_k = k + slot % A_ROW_QUADS * 4u;
  let quad = a_quad(A_OFFSET + batch * A_BATCH_STRIDE + at_row * A_LD + at_k);
  return within_k(quad, at_k, length);
}

// Column r is A[4·at+r, 4·k4 … 4·k4+3] of the tile.
fn a_block(at: u32, k4: u32) -> mat4x4f {
  return mat4x4f(
    a_tile[at].rows[0][k4],
    a_tile[at].rows[1][k4],
    a_tile[at].rows[2][k4],
    a_tile[at].rows[3][k4],
  );
}
