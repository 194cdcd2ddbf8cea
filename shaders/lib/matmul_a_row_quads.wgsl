// @import lib/matmul_problem
// Operand A stored [m, k], its rows at multiples of four floats.
const A_QUADS: u32 = A_SIZE / 4u;
@group(0) @binding(0) var<storage, read> a: array<vec4f, A_QUADS>;

fn a_start(batch: u32, row: u32) -> u32 {
  return (A_OFFSET + batch * A_BATCH_STRIDE + row * A_LD) / 4u;
}

// A[row, 4·k4 … 4·k4+3] of the row that starts at `start`.
fn a_row(start: u32, k4: u32, length: u32) -> vec4f {
  return within_k(a[start + k4], 4u * k4, length);
}
