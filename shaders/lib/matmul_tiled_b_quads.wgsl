// @import lib/matmul_problem
// Operand B with its rows at multiples of four floats.
const B_QUADS: u32 = B_SIZE / 4u;
@group(0) @binding(1) var<storage, read> b: array<vec4f, B_QUADS>;

// The four floats from `index` on, a multiple of 4.
fn b_quad(index: u32) -> vec4f {
  return b[index / 4u];
}
