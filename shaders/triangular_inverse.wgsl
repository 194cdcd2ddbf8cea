// The inverse X of triangular matrices A, by forward substitution down each column:
//   X[i, j] = (δ[i, j] - Σ_{j ≤ k < i} A[i, k] X[k, j]) / A[i, i]
// for lower ones; upper ones are read and written from the other corner, which makes them lower.
// The other triangle of A is not read, that of X is zero. BLOCK rows at a time, so that what others still
// have to subtract is a product of whole blocks. Golub and Van Loan, Matrix Computations, 3.1.4.
// LANES invocations share four columns: each solves the block at hand for itself, then takes its part of
// the rows that are left. N³/6 fused operations a matrix. Bytes: for each four columns what of A lies
// right of and below their first row once, and what is left of the columns once a block, read and written.
// Whether the diagonal of A counts as ones.
const UNIT: bool = false;
// @hook cells
// @import lib/triangle_floats
// @end
const BLOCK: u32 = 4u;
const LANES: u32 = 1u;
const WORKGROUP: u32 = 4u;
const GRID_X: u32 = 1u;

const QUADS: u32 = (N + 3u) / 4u;

// Between what some lanes write and others read.
// @hook meet
fn meet() { storageBarrier(); }
// @end

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x % LANES;
  let unit = (group.y * GRID_X + group.x) * (WORKGROUP / LANES) + local.x / LANES;
  let matrix = unit / QUADS;
  let quad = unit % QUADS;
  // Past the last matrix there is nothing to do but to meet.
  let end = select(0u, N, matrix < BATCH);
  let columns = vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u);
  for (var i = lane; i < end; i += LANES) {
    set_column_quad(matrix, i, quad, select(vec4f(0.0), vec4f(1.0), vec4u(i) == columns));
  }
  meet();
  var held: array<vec4f, BLOCK>;
  for (var first = 0u; first < N; first += BLOCK) {
    // Above the diagonal a column is zero.
    let busy = first + BLOCK > 4u * quad && end > 0u;
    let count = min(BLOCK, N - first);
    if (busy) {
      for (var r = 0u; r < count; r++) { held[r] = column_quad(matrix, first + r, quad); }
    }
    meet();
    if (busy) {
      for (var r = 0u; r < count; r++) {
        for (var k = 0u; k < r; k++) { held[r] -= element(matrix, first + r, first + k) * held[k]; }
        if (!UNIT) { held[r] /= element(matrix, first + r, first + r); }
      }
      if (lane == 0u) {
        for (var r = 0u; r < count; r++) { set_column_quad(matrix, first + r, quad, held[r]); }
      }
      // @unroll p BLOCK / 4
      let x_p = mat4x4f(held[4u * p], held[4u * p + 1u], held[4u * p + 2u], held[4u * p + 3u]);
      // @end
      for (var i = first + BLOCK + lane; i < end; i += LANES) {
        var rest = column_quad(matrix, i, quad);
        // @unroll p BLOCK / 4
        rest -= x_p * elements4(matrix, i, first + 4u * p);
        // @end
        set_column_quad(matrix, i, quad, rest);
      }
    }
    meet();
  }
}
