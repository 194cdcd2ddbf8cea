// @import lib/matmul_problem
// Operand A as float32.
const A_QUADS: u32 = A_SIZE / 4u;
@group(0) @binding(0) var<storage, read> a: array<vec4f, A_QUADS>;

// The four floats of a quad.
fn a_at(quad: u32) -> vec4f { return a[quad]; }
