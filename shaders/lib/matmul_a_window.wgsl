// Operand A as the windows of images.
// @import lib/matmul_a_quads
// @import lib/matmul_window as a

fn a_start(batch: u32, row: u32) -> A_Place { return a_place(batch * M + row); }

// A[row, 4·k4 … 4·k4+3] of the row that starts at `start`.
fn a_row(start: A_Place, k4: u32, length: u32) -> vec4f { return a_window(start, k4); }
