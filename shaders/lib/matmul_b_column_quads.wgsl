// @import lib/matmul_problem
// Operand B stored [n, k], its rows at multiples of four floats.
// @hook b_memory
// @import lib/matmul_b_quads
// @end

fn b_start(batch: u32, col: u32) -> u32 {
  return (B_OFFSET + batch * B_BATCH_STRIDE + col * B_LD) / 4u;
}

// Column q of the block is B[4·k4+q, col … col+3].
fn b_block(start: u32, k4: u32, length: u32) -> mat4x4f {
  let at = start + k4;
  return transpose(mat4x4f(
    within_k(b_at(at), 4u * k4, length),
    within_k(b_at(at + B_LD / 4u), 4u * k4, length),
    within_k(b_at(at + B_LD / 2u), 4u * k4, length),
    within_k(b_at(at + B_LD / 4u * 3u), 4u * k4, length),
  ));
}
