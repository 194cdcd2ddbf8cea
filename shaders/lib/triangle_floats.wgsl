// A triangular matrix and four columns of a result, of any N. UPPER ones are seen from the other corner.
const N: u32 = 4u;
const BATCH: u32 = 1u;
const UPPER: bool = false;

@group(0) @binding(0) var<storage, read> a: array<f32, BATCH * N * N>;
@group(0) @binding(1) var<storage, read_write> x: array<f32, BATCH * N * N>;

fn place(matrix: u32, row: u32, column: u32) -> u32 {
  let at = row * N + column;
  return matrix * N * N + select(at, N * N - 1u - at, UPPER);
}

fn element(matrix: u32, i: u32, j: u32) -> f32 { return a[place(matrix, i, j)]; }
fn elements4(matrix: u32, i: u32, j: u32) -> vec4f {
  return vec4f(
    element(matrix, i, j),
    element(matrix, i, j + 1u),
    element(matrix, i, j + 2u),
    element(matrix, i, j + 3u),
  );
}

fn column_quad(matrix: u32, i: u32, quad: u32) -> vec4f {
  let column = vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u);
  // What lies past the last column is not written, and so may be anything.
  let j = min(column, vec4u(N - 1u));
  return vec4f(
    x[place(matrix, i, j.x)],
    x[place(matrix, i, j.y)],
    x[place(matrix, i, j.z)],
    x[place(matrix, i, j.w)],
  );
}

fn set_column_quad(matrix: u32, i: u32, quad: u32, value: vec4f) {
  let column = 4u * quad;
  x[place(matrix, i, column)] = value.x;
  if (column + 1u < N) { x[place(matrix, i, column + 1u)] = value.y; }
  if (column + 2u < N) { x[place(matrix, i, column + 2u)] = value.z; }
  if (column + 3u < N) { x[place(matrix, i, column + 3u)] = value.w; }
}
