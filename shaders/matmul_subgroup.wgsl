enable subgroups;
// C[b,m,n] = Σ_k A[b,m,k] B[b,k,n], and on request the sums Σ_k A[b,m,k]: register tiles whose four
// lanes share what they load of A. For adapters whose subgroups are exactly four invocations wide
// and where a load costs far more than exchanging registers.
//
// Shapes: A is stored [m, k] or [k, m], B is stored [k, n] or [n, k] (the hooks a_access and
// b_access say which); see lib/matmul_problem for leading dimensions, offsets and batches.
// Operations: 2·b·m·n·k. Bytes it must move: 4·b·(m·k + k·n + m·n).
// Loads: a workgroup is one subgroup and computes TILE_M × 4·TILE_N elements of C; a lane loads
// TILE_M/4 + TILE_N floats for TILE_M · TILE_N multiplications, a third of what matmul.wgsl loads.
//
// Each lane loads one row of four and gets the three others by swapping. After swap s a lane holds
// row (lane ^ s), so that its accumulators belong to rows in an order of its own, which costs
// nothing; a broadcast would.
// @import lib/matmul_problem
// @hook a_access
// @import lib/matmul_a_row_quads
// @end
// @hook b_access
// @import lib/matmul_b_row_quads
// @end

const TILE_M: u32 = 12u;
const TILE_N: u32 = 4u;

const TILES_M: u32 = (M + TILE_M - 1u) / TILE_M;
const TILES_N: u32 = (N + TILE_N * 4u - 1u) / (TILE_N * 4u);
const TILE_QUADS: u32 = TILE_M * TILE_N / 4u;

// @import lib/matmul_output

// What the lines below are unrolled by: declared, so that this file stands by itself; gone from a kernel.
const p: u32 = 0u;
const s: u32 = 0u;
const j: u32 = 0u;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.y * GRID_X + group.x;
  let batch = index / (TILES_M * TILES_N);
  if (batch >= BATCH) { return; }
  let row = index / TILES_N % TILES_M * TILE_M;
  let col = index % TILES_N * TILE_N * 4u + lane * 4u;
  let length = k_length(batch);

  // One tile of each row does the sums, in a loop of its own: the others pay nothing for them. It comes
  // first, while registers hold no accumulators.
  if (SUM_A && index % TILES_N == 0u) {
    for (var part = row; part < row + TILE_M; part += 4u) {
      let start = a_start(batch, part + lane);
      var sum = 0.0;
      for (var k4 = 0u; k4 * 4u < length; k4++) {
        sum += dot(a_row(start, k4, length), vec4f(1.0));
      }
      let sums = vec4f(sum, quadSwapX(sum), quadSwapY(sum), quadSwapDiagonal(sum));
      if (lane == 0u && part < M) { sum_epilogue(batch, part, sums); }
    }
  }

  // @unroll j TILE_N / 4
  let b_start_j = b_start(batch, col + j * 16u);
  // @end
  // @unroll p TILE_M / 4
  let a_start_p = a_start(batch, row + p * 4u + lane);
  // @unroll s 4
  // @unroll j TILE_N / 4
  var acc_p_s_j = vec4f(0.0);
  // @end
  // @end
  // @end
  for (var k4 = 0u; k4 * 4u < length; k4++) {
    // @unroll j TILE_N / 4
    let b_j = b_block(b_start_j, k4, length);
    // @end
    // @unroll p TILE_M / 4
    let a_p_0 = a_row(a_start_p, k4, length);
    let a_p_1 = quadSwapX(a_p_0);
    let a_p_2 = quadSwapY(a_p_0);
    let a_p_3 = quadSwapDiagonal(a_p_0);
    // @unroll s 4
    // @unroll j TILE_N / 4
    acc_p_s_j = fma(b_j[3], vec4f(a_p_s.w), fma(b_j[2], vec4f(a_p_s.z),
      fma(b_j[1], vec4f(a_p_s.y), fma(b_j[0], vec4f(a_p_s.x), acc_p_s_j))));
    // @end
    // @end
    // @end
  }

  // The epilogue, which may be long, is compiled once: each turn picks a quad of the finished tile. An
  // array of them would lie in memory; one picked by comparisons takes half the time of a short sum.
  for (var quad = 0u; quad < TILE_QUADS; quad++) {
    var value = vec4f(0.0);
    // @unroll p TILE_M / 4
    // @unroll s 4
    // @unroll j TILE_N / 4
    value = select(value, acc_p_s_j, quad == (p * 4u + s) * (TILE_N / 4u) + j);
    // @end
    // @end
    // @end
    let tile_row = row + ((quad / (TILE_N / 4u)) ^ lane);
    let tile_col = col + quad % (TILE_N / 4u) * 16u;
    if (tile_row < M && tile_col < N) { epilogue(batch, tile_row, tile_col, value); }
  }
}
