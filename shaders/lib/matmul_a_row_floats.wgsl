// @import lib/matmul_problem
// Operand A stored [m, k], its rows anywhere.
@group(0) @binding(0) var<storage, read> a: array<f32, A_SIZE>;

fn a_start(batch: u32, row: u32) -> u32 {
  return A_OFFSET + batch * A_BATCH_STRIDE + row * A_LD;
}

// A[row, 4·k4 … 4·k4+3] of the row that starts at `start`.
fn a_row(start: u32, k4: u32, length: u32) -> vec4f {
  let at = start + 4u * k4;
  return within_k(vec4f(a[at], a[at + 1u], a[at + 2u], a[at + 3u]), 4u * k4, length);
}
