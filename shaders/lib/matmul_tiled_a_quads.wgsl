// @import lib/matmul_problem
// Operand A with its rows at multiples of four floats.
const A_QUADS: u32 = A_SIZE / 4u;
@group(0) @binding(0) var<storage, read> a: array<vec4f, A_QUADS>;

// The four floats from `index` on, a multiple of 4.
fn a_quad(index: u32) -> vec4f {
  return a[index / 4u];
}
