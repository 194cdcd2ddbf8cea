// Factors of W = P L (U + diag(s)) packed into one matrix: L strictly below the diagonal (ones on it),
// U strictly above it, log |s| on it.
// @import lib/numerics
const N: u32 = 4u;

@group(0) @binding(0) var<storage, read> factors: array<f32, N * N>;
@group(0) @binding(1) var<storage, read> sign: array<f32, N>;
// rows[i]: the row of L (U + diag(s)) that is row i of W; places: its inverse.
@group(0) @binding(2) var<storage, read> rows: array<u32, N>;

fn factor(i: u32, j: u32) -> f32 { return factors[i * N + j]; }
fn scale(i: u32) -> f32 { return sign[i] * exp4(vec4f(factor(i, i))).x; }
