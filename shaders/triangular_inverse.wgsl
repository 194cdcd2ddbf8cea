// The inverse X of triangular matrices A, by forward substitution down each column:
//   X[i, j] = (δ[i, j] - Σ_{j ≤ k < i} A[i, k] X[k, j]) / A[i, i]
// for lower ones; upper ones are read and written from the other corner, which makes them lower.
// The other triangle of A is not read, that of X is zero. Golub and Van Loan, Matrix Computations, 3.1.
// One invocation a column: N²/2 fused operations, as many reads of A. For factors of a layer's weight,
// not for large systems.
const BATCH: u32 = 1u;
const N: u32 = 4u;
const UPPER: bool = false;
// Whether the diagonal of A counts as ones.
const UNIT: bool = false;
const WORKGROUP: u32 = 4u;
const GRID_X: u32 = 1u;

@group(0) @binding(0) var<storage, read> a: array<f32, BATCH * N * N>;
@group(0) @binding(1) var<storage, read_write> x: array<f32, BATCH * N * N>;

fn place(matrix: u32, row: u32, column: u32) -> u32 {
  let end = N * N - 1u;
  let at = row * N + column;
  return matrix * N * N + select(at, end - at, UPPER);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let unit = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (unit >= BATCH * N) { return; }
  let matrix = unit / N;
  let column = unit % N;
  for (var i = 0u; i < column; i++) { x[place(matrix, i, column)] = 0.0; }
  for (var i = column; i < N; i++) {
    var rest = select(0.0, 1.0, i == column);
    for (var k = column; k < i; k++) {
      rest -= a[place(matrix, i, k)] * x[place(matrix, k, column)];
    }
    let pivot = select(a[place(matrix, i, i)], 1.0, UNIT);
    x[place(matrix, i, column)] = rest / pivot;
  }
}
