// The gradient of a loss with respect to the packed factors of W = P L (U + diag(s)), given that with
// respect to W: with G = Pᵀ dW,
//   dL = G (U + diag(s))ᵀ below the diagonal, dU = Lᵀ G above it, d log |s| = s diag(Lᵀ G) on it.
// One invocation an element: 2N³/3 fused operations in all.
// @import lib/lu_factors
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

@group(0) @binding(3) var<storage, read> dw: array<f32, N * N>;
@group(0) @binding(4) var<storage, read_write> result: array<f32, N * N>;

// `rows` holds the places here: which row of W is row i of L (U + diag(s)).
fn given(i: u32, j: u32) -> f32 { return dw[min(rows[i], N - 1u) * N + j]; }

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= N * N) { return; }
  let i = at / N;
  let j = at % N;
  var total = given(i, j);
  if (i > j) {
    total *= scale(j);
    for (var k = j + 1u; k < N; k++) { total += given(i, k) * factor(j, k); }
  } else {
    for (var k = i + 1u; k < N; k++) { total += factor(k, i) * given(k, j); }
    if (i == j) { total *= scale(i); }
  }
  result[at] = total;
}
