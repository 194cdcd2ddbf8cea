// @import lib/matmul_problem
// An operand in whose memory k runs along rows, A stored [m, k] or B stored [n, k], imported as a or as
// b, which x and X stand for. Its lines are A's rows or B's columns. A tile is staged as X_LINES rows of
// K_STEP floats, in blocks of four rows. One quad is left out after a block, so that invocations that
// read different blocks meet different banks.
const X_ROW_QUADS: u32 = K_STEP / 4u;
const X_BLOCK_QUADS: u32 = 4u * X_ROW_QUADS;
const X_BLOCKS: u32 = (X_FETCHES * THREADS + X_BLOCK_QUADS - 1u) / X_BLOCK_QUADS;
struct X_Block { rows: array<array<vec4f, X_ROW_QUADS>, 4>, gap: vec4f }
var<workgroup> x_tile: array<X_Block, X_BLOCKS>;

fn x_store(slot: u32, quad: vec4f) {
  x_tile[slot / X_BLOCK_QUADS].rows[slot / X_ROW_QUADS % 4u][slot % X_ROW_QUADS] = quad;
}

fn x_fetch(slot: u32, batch: u32, line: u32, k: u32, length: u32) -> vec4f {
  let at_line = line + slot / X_ROW_QUADS;
  let at_k = k + slot % X_ROW_QUADS * 4u;
  let quad = x_quad(X_OFFSET + batch * X_BATCH_STRIDE + at_line * X_LD + at_k);
  return within_k(quad, at_k, length);
}

// Column r is line 4·at+r of the tile, terms 4·k4 … 4·k4+3.
fn x_lines(at: u32, k4: u32) -> mat4x4f {
  return mat4x4f(
    x_tile[at].rows[0][k4],
    x_tile[at].rows[1][k4],
    x_tile[at].rows[2][k4],
    x_tile[at].rows[3][k4],
  );
}

// Column q is the term 4·k4+q of lines 4·at … 4·at+3.
fn x_terms(at: u32, k4: u32) -> mat4x4f { return transpose(x_lines(at, k4)); }
