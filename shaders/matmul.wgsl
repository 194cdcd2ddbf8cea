// C[b,m,n] = Σ_k A[b,m,k] B[b,k,n], and on request the sums Σ_k A[b,m,k]: register tiles without
// workgroup memory, for adapters on which a barrier costs more than a load.
//
// Shapes: A is stored [m, k] or [k, m], B is stored [k, n] or [n, k] (the hooks a_access and
// b_access say which); see lib/matmul_problem for leading dimensions, offsets and batches.
// Operations: 2·b·m·n·k. Bytes it must move: 4·b·(m·k + k·n + m·n).
// Loads: an invocation computes TILE_M × TILE_N elements of C and loads TILE_M + TILE_N floats for
// TILE_M · TILE_N multiplications. The unrolled names keep the tile in registers where compilers
// leave arrays in memory; the finished tile goes through an array, so that the epilogue, which may
// be long, is compiled once.
// @import lib/matmul_problem
// @hook a_access
// @import lib/matmul_a_row_quads
// @end
// @hook b_access
// @import lib/matmul_b_row_quads
// @end

const TILE_M: u32 = 8u;
const TILE_N: u32 = 8u;
const GROUP_X: u32 = 4u;
const GROUP_Y: u32 = 1u;

const TILES_M: u32 = (M + TILE_M * GROUP_Y - 1u) / (TILE_M * GROUP_Y);
const TILES_N: u32 = (N + TILE_N * GROUP_X - 1u) / (TILE_N * GROUP_X);
const TILE_QUADS: u32 = TILE_M * TILE_N / 4u;

// @import lib/matmul_output

// What the lines below are unrolled by: declared, so that this file stands by itself; gone from a kernel.
const p: u32 = 0u;
const r: u32 = 0u;
const j: u32 = 0u;

@compute @workgroup_size(GROUP_X, GROUP_Y)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let index = group.y * GRID_X + group.x;
  let batch = index / (TILES_M * TILES_N);
  let row = (index / TILES_N % TILES_M * GROUP_Y + local.y) * TILE_M;
  // Neighbours take neighbouring quads of columns.
  let col = index % TILES_N * TILE_N * GROUP_X + local.x * 4u;
  if (batch >= BATCH || row >= M || col >= N) { return; }
  let length = k_length(batch);

  // @unroll j TILE_N / 4
  let b_start_j = b_start(batch, col + j * 4u * GROUP_X);
  // @end
  // @unroll p TILE_M / 4
  // @unroll r 4
  let a_start_p_r = a_start(batch, row + p * 4u + r);
  // @unroll j TILE_N / 4
  var acc_p_r_j = vec4f(0.0);
  // @end
  // @end
  // @end
  for (var k4 = 0u; k4 * 4u < length; k4++) {
    // @unroll j TILE_N / 4
    let b_j = b_block(b_start_j, k4, length);
    // @end
    // @unroll p TILE_M / 4
    // @unroll r 4
    let a_p_r = a_row(a_start_p_r, k4, length);
    // @unroll j TILE_N / 4
    acc_p_r_j = fma(b_j[3], vec4f(a_p_r.w), fma(b_j[2], vec4f(a_p_r.z),
      fma(b_j[1], vec4f(a_p_r.y), fma(b_j[0], vec4f(a_p_r.x), acc_p_r_j))));
    // @end
    // @end
    // @end
  }

  // One tile of each row does the sums, in a loop of its own: the others pay nothing for them.
  if (SUM_A && col == 0u) {
    // @unroll p TILE_M / 4
    // @unroll r 4
    var sum_p_r = 0.0;
    // @end
    // @end
    for (var k4 = 0u; k4 * 4u < length; k4++) {
      // @unroll p TILE_M / 4
      // @unroll r 4
      sum_p_r += dot(a_row(a_start_p_r, k4, length), vec4f(1.0));
      // @end
      // @end
    }
    // @unroll p TILE_M / 4
    if (row + p * 4u < M) {
      sum_epilogue(batch, row + p * 4u, vec4f(sum_p_0, sum_p_1, sum_p_2, sum_p_3));
    }
    // @end
  }

  var tile: array<vec4f, TILE_QUADS>;
  // @unroll p TILE_M / 4
  // @unroll r 4
  // @unroll j TILE_N / 4
  tile[(p * 4u + r) * (TILE_N / 4u) + j] = acc_p_r_j;
  // @end
  // @end
  // @end
  for (var quad = 0u; quad < TILE_QUADS; quad++) {
    let tile_row = row + quad / (TILE_N / 4u);
    let tile_col = col + quad % (TILE_N / 4u) * 4u * GROUP_X;
    if (tile_row < M && tile_col < N) { epilogue(batch, tile_row, tile_col, tile[quad]); }
  }
}
