// The lower triangle L of symmetric matrices A = L Lᵀ, column by column:
//   L[j, j] = √(A[j, j] - Σ_{k < j} L[j, k]²),  L[i, j] = (A[i, j] - Σ_{k < j} L[i, k] L[j, k]) / L[j, j].
// Golub and Van Loan, Matrix Computations, 4.2.5. The lower triangle of A is read, the upper one of L is zero.
// A workgroup a matrix, whose invocations take the rows below the diagonal in turns and the diagonal all of
// them. N³/6 fused operations a matrix. Bytes: A once, and of L the rows above once a row.
const N: u32 = 4u;
const BATCH: u32 = 1u;
// Several invocations need a barrier between columns.
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;
// Where rounding leaves a pivot that is not positive.
const LEAST: f32 = 1e-30;

@group(0) @binding(0) var<storage, read> a: array<f32, BATCH * N * N>;
@group(0) @binding(1) var<storage, read_write> l: array<f32, BATCH * N * N>;

// Σ_{k < j} L[i, k] L[j, k].
fn shared_part(base: u32, i: u32, j: u32) -> f32 {
  var total = 0.0;
  for (var k = 0u; k < j; k++) { total += l[base + i * N + k] * l[base + j * N + k]; }
  return total;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let matrix = group.y * GRID_X + group.x;
  // Past the last matrix there is nothing to do but to meet.
  let end = select(0u, N, matrix < BATCH);
  let base = min(matrix, BATCH - 1u) * N * N;
  for (var j = 0u; j < N; j++) {
    let pivot = sqrt(max(a[base + j * N + j] - shared_part(base, j, j), LEAST));
    for (var i = local.x; i < end; i += WORKGROUP) {
      if (i > j) {
        l[base + i * N + j] = (a[base + i * N + j] - shared_part(base, i, j)) / pivot;
      } else if (i < j) {
        l[base + i * N + j] = 0.0;
      } else {
        l[base + j * N + j] = pivot;
      }
    }
    storageBarrier();
  }
}
