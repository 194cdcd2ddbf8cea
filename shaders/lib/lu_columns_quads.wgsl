// Packed LU factors and four columns of a result beside them, whose N is a multiple of four.
// @import lib/numerics
const N: u32 = 4u;

@group(0) @binding(0) var<storage, read> factors: array<vec4f, N * N / 4u>;
@group(0) @binding(1) var<storage, read> sign: array<f32, N>;
@group(0) @binding(2) var<storage, read> rows: array<u32, N>;
@group(0) @binding(3) var<storage, read_write> result: array<vec4f, N * N / 4u>;

fn factors4(i: u32, j: u32) -> vec4f { return factors[(i * N + j) / 4u]; }
fn factor(i: u32, j: u32) -> f32 { return factors4(i, j)[j % 4u]; }
fn scale(i: u32) -> f32 { return sign[i] * exp4(vec4f(factor(i, i))).x; }

fn column_quad(i: u32, quad: u32) -> vec4f { return result[i * (N / 4u) + quad]; }
fn set_column_quad(i: u32, quad: u32, value: vec4f) { result[i * (N / 4u) + quad] = value; }
