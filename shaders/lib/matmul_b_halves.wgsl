// @import lib/matmul_problem
// @import lib/halves
// Operand B as packed float16: half the bytes; sums are float32 all the same.
const B_QUADS: u32 = B_SIZE / 4u;
@group(0) @binding(1) var<storage, read> b: array<vec2u, B_QUADS>;

// The four numbers of a quad.
fn b_at(quad: u32) -> vec4f { return halves4(b[quad]); }
