// @import lib/matmul_problem
// Operand A with its rows anywhere.
@group(0) @binding(0) var<storage, read> a: array<f32, A_SIZE>;

// The four floats from `index` on.
fn a_quad(index: u32) -> vec4f {
  return vec4f(a[index], a[index + 1u], a[index + 2u], a[index + 3u]);
}
