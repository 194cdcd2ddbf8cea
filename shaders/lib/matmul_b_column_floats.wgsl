// @import lib/matmul_problem
// Operand B stored [n, k], its rows anywhere.
@group(0) @binding(1) var<storage, read> b: array<f32, B_SIZE>;

fn b_start(batch: u32, col: u32) -> u32 {
  return B_OFFSET + batch * B_BATCH_STRIDE + col * B_LD;
}

fn b_quad(at: u32, k: u32, length: u32) -> vec4f {
  return within_k(vec4f(b[at], b[at + 1u], b[at + 2u], b[at + 3u]), k, length);
}

// Column q of the block is B[4·k4+q, col … col+3].
fn b_block(start: u32, k4: u32, length: u32) -> mat4x4f {
  let k = 4u * k4;
  let at = start + k;
  return transpose(mat4x4f(
    b_quad(at, k, length),
    b_quad(at + B_LD, k, length),
    b_quad(at + 2u * B_LD, k, length),
    b_quad(at + 3u * B_LD, k, length),
  ));
}
