// C[b,m,n] = Σ_k A[b,m,k] B[b,k,n], and on request the sums Σ_k A[b,m,k]: tiles in workgroup memory,
// smaller tiles in registers, for GPUs.
//
// Shapes: A is stored [m, k] or [k, m], B is stored [k, n] or [n, k] (the hooks a_access and
// b_access say which); see lib/matmul_problem for leading dimensions, offsets and batches.
// Operations: 2·b·m·n·k. Bytes it must move: 4·b·(m·k + k·n + m·n); it moves
// 4·b·m·n·k·(1/A_LINES + 1/B_LINES) to workgroup memory and reads TILE_M + TILE_N floats of that for
// TILE_M · TILE_N multiplications.
//
// A tile keeps the order its operand is stored in, so that memory is read and workgroup memory is
// written quad by quad, neighbours by neighbours; 4 × 4 blocks are transposed in registers. Tiles are
// nested arrays, with an index for what depends on the invocation, one for the step and a constant:
// each is kept within its bounds once, and not the sum of them for every quad that is read.
// @import lib/matmul_problem

const TILE_M: u32 = 4u;
const TILE_N: u32 = 4u;
const GROUP_X: u32 = 8u;
const GROUP_Y: u32 = 8u;

const A_LINES: u32 = TILE_M * GROUP_Y;
const B_LINES: u32 = TILE_N * GROUP_X;
const THREADS: u32 = GROUP_X * GROUP_Y;
const A_FETCHES: u32 = (A_LINES * K_STEP / 4u + THREADS - 1u) / THREADS;
const B_FETCHES: u32 = (B_LINES * K_STEP / 4u + THREADS - 1u) / THREADS;
const TILES_M: u32 = (M + A_LINES - 1u) / A_LINES;
const TILES_N: u32 = (N + B_LINES - 1u) / B_LINES;

// @hook a_access
// @import lib/matmul_tiled_a_quads
// @import lib/matmul_tiled_rows as a
// @end
// @hook b_access
// @import lib/matmul_tiled_b_quads
// @import lib/matmul_tiled_columns as b
// @end

// @import lib/matmul_output

// What the lines below are unrolled by: declared, so that this file stands by itself; gone from a kernel.
const p: u32 = 0u;
const r: u32 = 0u;
const j: u32 = 0u;
const f: u32 = 0u;

@compute @workgroup_size(GROUP_X, GROUP_Y)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) slot: u32,
) {
  let index = group.y * GRID_X + group.x;
  let batch = index / (TILES_M * TILES_N);
  if (batch >= BATCH) { return; }
  let row = index / TILES_N % TILES_M * A_LINES;
  let col = index % TILES_N * B_LINES;
  let length = k_length(batch);
  let sums = SUM_A && col == 0u;

  // @unroll p TILE_M / 4
  var sum_p = vec4f(0.0);
  // @unroll r 4
  // @unroll j TILE_N / 4
  var acc_p_r_j = vec4f(0.0);
  // @end
  // @end
  // @end
  // @unroll f A_FETCHES
  var a_next_f = a_fetch(slot + f * THREADS, batch, row, 0u, length);
  // @end
  // @unroll f B_FETCHES
  var b_next_f = b_fetch(slot + f * THREADS, batch, col, 0u, length);
  // @end
  for (var k = 0u; k < length; k += K_STEP) {
    // @unroll f A_FETCHES
    a_store(slot + f * THREADS, a_next_f);
    // @end
    // @unroll f B_FETCHES
    b_store(slot + f * THREADS, b_next_f);
    // @end
    workgroupBarrier();
    // The next tile travels from memory while this one is used.
    // @unroll f A_FETCHES
    a_next_f = a_fetch(slot + f * THREADS, batch, row, k + K_STEP, length);
    // @end
    // @unroll f B_FETCHES
    b_next_f = b_fetch(slot + f * THREADS, batch, col, k + K_STEP, length);
    // @end
    for (var k4 = 0u; k4 < K_STEP / 4u; k4++) {
      // @unroll j TILE_N / 4
      let b_j = b_terms(local.x + j * GROUP_X, k4);
      // @end
      // @unroll p TILE_M / 4
      let a_p = a_lines(local.y + p * GROUP_Y, k4);
      if (sums) { sum_p += vec4f(1.0) * a_p; }
      // @unroll r 4
      // @unroll j TILE_N / 4
      acc_p_r_j = fma(b_j[3], vec4f(a_p[r].w), fma(b_j[2], vec4f(a_p[r].z),
        fma(b_j[1], vec4f(a_p[r].y), fma(b_j[0], vec4f(a_p[r].x), acc_p_r_j))));
      // @end
      // @end
      // @end
    }
    workgroupBarrier();
  }

  // @unroll p TILE_M / 4
  let row_p = row + (local.y + p * GROUP_Y) * 4u;
  // @unroll j TILE_N / 4
  let col_p_j = col + (local.x + j * GROUP_X) * 4u;
  if (col_p_j < N) {
    // @unroll r 4
    if (row_p + r < M) { epilogue(batch, row_p + r, col_p_j, acc_p_r_j); }
    // @end
  }
  // @end
  if (sums && local.x == 0u && row_p < M) { sum_epilogue(batch, row_p, sum_p); }
  // @end
}
