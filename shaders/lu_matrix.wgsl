// W = P L (U + diag(s)) from its packed factors; the log-determinant is the sum of their diagonal.
//   W[i, j] = Σ_k L[p, k] (U + diag(s))[k, j], p = rows[i]
// Kingma and Dhariwal 2018, 3.2. One invocation an element, at most N fused operations each: N³/3 in all.
// @import lib/lu_factors
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

@group(0) @binding(3) var<storage, read_write> w: array<f32, N * N>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= N * N) { return; }
  let row = min(rows[at / N], N - 1u);
  let column = at % N;
  var total = 0.0;
  for (var k = 0u; k < min(row, column); k++) { total += factor(row, k) * factor(k, column); }
  // The term in which one of the two stands on its diagonal.
  let last = factor(row, column);
  if (row < column) { total += last; }
  else if (row == column) { total += scale(column); }
  else { total += last * scale(column); }
  w[at] = total;
}
