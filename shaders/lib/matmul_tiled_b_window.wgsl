// Operand B as the windows of images.
// @import lib/matmul_b_quads
// @import lib/matmul_window as b
// @import lib/matmul_tiled_window as b
