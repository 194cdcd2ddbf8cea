// @import lib/matmul_problem
// Operand B stored [k, n], its rows at multiples of four floats.
const B_QUADS: u32 = B_SIZE / 4u;
@group(0) @binding(1) var<storage, read> b: array<vec4f, B_QUADS>;

fn b_start(batch: u32, col: u32) -> u32 {
  return (B_OFFSET + batch * B_BATCH_STRIDE + col) / 4u;
}

// Column q of the block is B[4·k4+q, col … col+3].
fn b_block(start: u32, k4: u32, length: u32) -> mat4x4f {
  let at = start + k4 * B_LD;
  return mat4x4f(
    within_k1(b[at], 4u * k4, length),
    within_k1(b[at + B_LD / 4u], 4u * k4 + 1u, length),
    within_k1(b[at + B_LD / 2u], 4u * k4 + 2u, length),
    within_k1(b[at + B_LD / 4u * 3u], 4u * k4 + 3u, length),
  );
}
