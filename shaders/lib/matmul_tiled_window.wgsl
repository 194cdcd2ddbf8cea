// The windows of images as an operand whose tiles are staged, imported as a or as b, X_LD floats a row.
// @import lib/matmul_problem

// The four floats from `index` on, a multiple of 4, of the matrix that is never written down.
fn x_quad(index: u32) -> vec4f {
  return x_window(x_place(index / X_LD), index % X_LD / 4u);
}
