// @import lib/matmul_problem
// An operand in whose memory k runs along columns, A stored [k, m] or B stored [k, n], imported as a or
// as b, which x and X stand for. Its lines are A's rows or B's columns. A tile is staged as K_STEP rows
// of X_LINES floats, by fours.
const X_ROW_QUADS: u32 = X_LINES / 4u;
const X_BLOCK_QUADS: u32 = 4u * X_ROW_QUADS;
const X_BLOCKS: u32 = (X_FETCHES * THREADS + X_BLOCK_QUADS - 1u) / X_BLOCK_QUADS;
var<workgroup> x_tile: array<array<array<vec4f, X_ROW_QUADS>, 4>, X_BLOCKS>;

fn x_store(slot: u32, quad: vec4f) {
  x_tile[slot / X_BLOCK_QUADS][slot / X_ROW_QUADS % 4u][slot % X_ROW_QUADS] = quad;
}

fn x_fetch(slot: u32, batch: u32, line: u32, k: u32, length: u32) -> vec4f {
  let at_k = k + slot / X_ROW_QUADS;
  let at_line = line + slot % X_ROW_QUADS * 4u;
  let quad = x_quad(X_OFFSET + batch * X_BATCH_STRIDE + at_k * X_LD + at_line);
  return within_k1(quad, at_k, length);
}

// Column q is the term 4·k4+q of lines 4·at … 4·at+3 of the tile.
fn x_terms(at: u32, k4: u32) -> mat4x4f {
  return mat4x4f(
    x_tile[k4][0][at],
    x_tile[k4][1][at],
    x_tile[k4][2][at],
    x_tile[k4][3][at],
  );
}

// Column r is line 4·at+r, terms 4·k4 … 4·k4+3.
fn x_lines(at: u32, k4: u32) -> mat4x4f { return transpose(x_terms(at, k4)); }
