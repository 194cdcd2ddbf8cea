// Packed LU factors and four columns of a result beside them, of any N.
// @import lib/lu_factors

@group(0) @binding(3) var<storage, read_write> result: array<f32, N * N>;

fn factors4(i: u32, j: u32) -> vec4f {
  return vec4f(factor(i, j), factor(i, j + 1u), factor(i, j + 2u), factor(i, j + 3u));
}

fn column_quad(i: u32, quad: u32) -> vec4f {
  let at = i * N + 4u * quad;
  return vec4f(result[at], result[at + 1u], result[at + 2u], result[at + 3u]);
}

fn set_column_quad(i: u32, quad: u32, value: vec4f) {
  let column = 4u * quad;
  let at = i * N + column;
  result[at] = value.x;
  if (column + 1u < N) { result[at + 1u] = value.y; }
  if (column + 2u < N) { result[at + 2u] = value.z; }
  if (column + 3u < N) { result[at + 3u] = value.w; }
}
