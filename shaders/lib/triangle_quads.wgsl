// A triangular matrix and four columns of a result, whose N is a multiple of four. UPPER ones are seen
// from the other corner, where the order of four is the opposite, too.
const N: u32 = 4u;
const BATCH: u32 = 1u;
const UPPER: bool = false;

@group(0) @binding(0) var<storage, read> a: array<vec4f, BATCH * N * N / 4u>;
@group(0) @binding(1) var<storage, read_write> x: array<vec4f, BATCH * N * N / 4u>;

fn place(matrix: u32, row: u32, quad: u32) -> u32 {
  let at = row * (N / 4u) + quad;
  return matrix * (N * N / 4u) + select(at, N * N / 4u - 1u - at, UPPER);
}

fn seen(quad: vec4f) -> vec4f { return select(quad, quad.wzyx, UPPER); }

fn elements4(matrix: u32, i: u32, j: u32) -> vec4f { return seen(a[place(matrix, i, j / 4u)]); }
fn element(matrix: u32, i: u32, j: u32) -> f32 { return elements4(matrix, i, j)[j % 4u]; }

fn column_quad(matrix: u32, i: u32, quad: u32) -> vec4f { return seen(x[place(matrix, i, quad)]); }
fn set_column_quad(matrix: u32, i: u32, quad: u32, value: vec4f) {
  x[place(matrix, i, quad)] = seen(value);
}
