// What becomes of a product: by default it is written as it is, rows padded to whole quads.
// @import lib/matmul_problem
const OUTPUT_LD: u32 = (N + 3u) / 4u;

// @hook bindings
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;
// @end

// Takes C[batch, row, col … col+3] where row < M, col < N, col % 4 = 0; lanes past N are garbage.
// @hook epilogue
fn epilogue(batch: u32, row: u32, col: u32, value: vec4f) {
  output[(batch * M + row) * OUTPUT_LD + col / 4u] = value;
}
// @end

// Takes Σ_k A[batch, row+lane, k] where row < M, row % 4 = 0; lanes past M are garbage.
// @hook sum_epilogue
fn sum_epilogue(batch: u32, row: u32, value: vec4f) {}
// @end
