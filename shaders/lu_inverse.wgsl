// W⁻¹ of W = P L (U + diag(s)) from its packed factors, by forward and back substitution down each
// column c: L y = Pᵀ e_c, (U + diag(s)) x = y; BLOCK rows at a time, so that what others still have to
// subtract is a product of whole blocks. Golub and Van Loan, Matrix Computations, 3.1.4.
// LANES invocations share four columns: each solves the block at hand for itself, then takes its part of
// the rows that are left. N³ fused operations, fewer where columns of Pᵀ begin with zeros. Bytes: for each
// four columns all factors once, and what is left of the columns once a block, read and written.
// N = 784 takes a fifth of what a column an invocation takes, row by row (SwiftShader, two cores).
// @hook cells
// @import lib/lu_columns_floats
// @end
const BLOCK: u32 = 8u;
const LANES: u32 = 1u;
const WORKGROUP: u32 = 4u;
const GRID_X: u32 = 1u;

// Rows past the last are zeros, and are written nowhere.
fn row_of(i: u32, quad: u32) -> vec4f {
  if (i >= N) { return vec4f(0.0); }
  return column_quad(i, quad);
}

// Between what some lanes write and others read.
// @hook meet
fn meet() { storageBarrier(); }
// @end

fn first_row(column: u32) -> u32 { return min(rows[min(column, N - 1u)], N - 1u); }

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x % LANES;
  let quad = (group.y * GRID_X + group.x) * (WORKGROUP / LANES) + local.x / LANES;
  // Past the last column there is nothing to do but to meet.
  let end = select(0u, N, 4u * quad < N);
  let column = 4u * quad;
  let starts = vec4u(
    first_row(column), first_row(column + 1u), first_row(column + 2u), first_row(column + 3u),
  );
  for (var i = lane; i < end; i += LANES) {
    set_column_quad(i, quad, select(vec4f(0.0), vec4f(1.0), vec4u(i) == starts));
  }
  meet();
  let begin = min(min(starts.x, starts.y), min(starts.z, starts.w));
  var x: array<vec4f, BLOCK>;
  for (var first = 0u; first < N; first += BLOCK) {
    // Above its first one a column of y is zero.
    let busy = first + BLOCK > begin && end > 0u;
    if (busy) {
      for (var r = 0u; r < BLOCK; r++) { x[r] = row_of(first + r, quad); }
    }
    meet();
    if (busy) {
      for (var r = 1u; r < BLOCK; r++) {
        for (var k = 0u; k < r; k++) { x[r] -= factor(first + r, first + k) * x[k]; }
      }
      if (lane == 0u) {
        for (var r = 0u; r < min(BLOCK, N - first); r++) { set_column_quad(first + r, quad, x[r]); }
      }
      // @unroll p BLOCK / 4
      let x_p = mat4x4f(x[4u * p], x[4u * p + 1u], x[4u * p + 2u], x[4u * p + 3u]);
      // @end
      for (var i = first + BLOCK + lane; i < end; i += LANES) {
        var rest = column_quad(i, quad);
        // @unroll p BLOCK / 4
        rest -= x_p * factors4(i, first + 4u * p);
        // @end
        set_column_quad(i, quad, rest);
      }
    }
    meet();
  }
  for (var left = (N + BLOCK - 1u) / BLOCK; left > 0u; left--) {
    let first = (left - 1u) * BLOCK;
    for (var r = 0u; r < BLOCK; r++) { x[r] = row_of(first + r, quad); }
    meet();
    for (var above = BLOCK; above > 0u; above--) {
      let r = above - 1u;
      for (var k = above; k < BLOCK; k++) { x[r] -= factor(first + r, first + k) * x[k]; }
      x[r] /= scale(min(first + r, N - 1u));
    }
    if (lane == 0u && end > 0u) {
      for (var r = 0u; r < min(BLOCK, N - first); r++) { set_column_quad(first + r, quad, x[r]); }
    }
    // @unroll p BLOCK / 4
    let x_p = mat4x4f(x[4u * p], x[4u * p + 1u], x[4u * p + 2u], x[4u * p + 3u]);
    // @end
    for (var i = lane; i < min(first, end); i += LANES) {
      var rest = column_quad(i, quad);
      // @unroll p BLOCK / 4
      rest -= x_p * factors4(i, first + 4u * p);
      // @end
      set_column_quad(i, quad, rest);
    }
    meet();
  }
}
