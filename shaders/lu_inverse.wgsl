// W⁻¹ of W = P L (U + diag(s)) from its packed factors, by forward and back substitution down each
// column c: L y = Pᵀ e_c, (U + diag(s)) x = y. Golub and Van Loan, Matrix Computations, 3.1.
// One invocation a column: N² fused operations each, N³ in all.
// @import lib/lu_factors
const WORKGROUP: u32 = 4u;
const GRID_X: u32 = 1u;

@group(0) @binding(3) var<storage, read_write> x: array<f32, N * N>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let column = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (column >= N) { return; }
  let start = min(rows[column], N - 1u);
  for (var i = 0u; i < N; i++) {
    var rest = select(0.0, 1.0, i == start);
    for (var k = start; k < i; k++) { rest -= factor(i, k) * x[k * N + column]; }
    x[i * N + column] = rest;
  }
  for (var left = N; left > 0u; left--) {
    let i = left - 1u;
    var rest = x[i * N + column];
    for (var k = left; k < N; k++) { rest -= factor(i, k) * x[k * N + column]; }
    x[i * N + column] = rest / scale(i);
  }
}
