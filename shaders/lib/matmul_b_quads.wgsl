// @import lib/matmul_problem
// Operand B as float32.
const B_QUADS: u32 = B_SIZE / 4u;
@group(0) @binding(1) var<storage, read> b: array<vec4f, B_QUADS>;

// The four floats of a quad.
fn b_at(quad: u32) -> vec4f { return b[quad]; }
