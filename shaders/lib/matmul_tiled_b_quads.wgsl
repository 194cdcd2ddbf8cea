// @import lib/matmul_problem
// Operand B with its rows at multiples of four floats.
// @hook b_memory
// @import lib/matmul_b_quads
// @end

// The four floats from `index` on, a multiple of 4.
fn b_quad(index: u32) -> vec4f { return b_at(index / 4u); }
