// @import lib/matmul_problem
// Operand B with its rows anywhere.
@group(0) @binding(1) var<storage, read> b: array<f32, B_SIZE>;

// The four floats from `index` on.
fn b_quad(index: u32) -> vec4f {
  return vec4f(b[index], b[index + 1u], b[index + 2u], b[index + 3u]);
}
