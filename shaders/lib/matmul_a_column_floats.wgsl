// @import lib/matmul_problem
// Operand A stored [k, m].
@group(0) @binding(0) var<storage, read> a: array<f32, A_SIZE>;

fn a_start(batch: u32, row: u32) -> u32 {
  return A_OFFSET + batch * A_BATCH_STRIDE + row;
}

// A[row, 4·k4 … 4·k4+3] of the column that starts at `start`.
fn a_row(start: u32, k4: u32, length: u32) -> vec4f {
  let at = start + k4 * (4u * A_LD);
  let quad = vec4f(a[at], a[at + A_LD], a[at + 2u * A_LD], a[at + 3u * A_LD]);
  return within_k(quad, 4u * k4, length);
}
