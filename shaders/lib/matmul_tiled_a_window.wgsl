// Operand A as the windows of images.
// @import lib/matmul_a_quads
// @import lib/matmul_window as a
// @import lib/matmul_tiled_window as a
