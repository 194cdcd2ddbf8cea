// How a result depends on every state of gated recurrent units, all steps in one dispatch, backwards in time:
//   d[t] = g[t] + keep[t] d[t+1] + Σ_q U_qᵀ (factor_q[t] d[t+1]),  q = r, z, n,
// where g[t] is how it depends on the state by itself, and keep and factor are how each gate's sum depends on
// the state that follows: all that is not a product with U is known before (ops/gru).
// A workgroup a few rows; 6·HIDDEN² operations a row and step. Bytes: g, keep, factors and d once, and the weights
// in each step from whatever cache holds them.
const BATCH: u32 = 1u;
const STEPS: u32 = 4u;
// A multiple of 4.
const HIDDEN: u32 = 4u;
// As in gru.
const ROWS: u32 = 2u;
const UNIT_LANES: u32 = 1u;
const ROW_LANES: u32 = 4u;
const GRID_X: u32 = 1u;

const QUADS: u32 = HIDDEN / 4u;

// [BATCH, 1 + STEPS, HIDDEN].
@group(0) @binding(0) var<storage, read> gradient: array<vec4f, BATCH * (1u + STEPS) * QUADS>;
// [BATCH, STEPS, HIDDEN].
@group(0) @binding(1) var<storage, read> keep: array<vec4f, BATCH * STEPS * QUADS>;
// [BATCH, STEPS, 3·HIDDEN].
@group(0) @binding(2) var<storage, read> factor: array<vec4f, BATCH * STEPS * 3u * QUADS>;
// [3·HIDDEN, HIDDEN].
@group(0) @binding(3) var<storage, read> weight: array<vec4f, 3u * HIDDEN * QUADS>;
// [BATCH, 1 + STEPS, HIDDEN].
@group(0) @binding(4) var<storage, read_write> adjoint: array<vec4f, BATCH * (1u + STEPS) * QUADS>;

// What the lines below are unrolled by: declared, so that this file stands by itself; gone from a kernel.
const row: u32 = 0u;
const q: u32 = 0u;

fn state(of_row: u32, t: u32) -> u32 { return (of_row * (1u + STEPS) + t) * QUADS; }

@compute @workgroup_size(UNIT_LANES, ROW_LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let first = ((group.y * GRID_X + group.x) * ROW_LANES + local.y) * ROWS;
  let is_used = first < BATCH;
  // @unroll row ROWS
  let at_row = select(first, first + row, first + row < BATCH);
  // @end
  if (is_used) {
    for (var quad = local.x; quad < QUADS; quad += UNIT_LANES) {
      // @unroll row ROWS
      if (first + row < BATCH) {
        adjoint[state(at_row, STEPS) + quad] = gradient[state(at_row, STEPS) + quad];
      }
      // @end
    }
  }
  if (UNIT_LANES > 1u) { storageBarrier(); }
  for (var after = STEPS; after > 0u; after--) {
    let t = after - 1u;
    if (is_used) {
      for (var quad = local.x; quad < QUADS; quad += UNIT_LANES) {
        // @unroll row ROWS
        let step_row = (at_row * STEPS + t) * QUADS;
        var sum_row = gradient[state(at_row, t) + quad]
          + keep[step_row + quad] * adjoint[state(at_row, after) + quad];
        // @end
        for (var k = 0u; k < QUADS; k++) {
          // @unroll row ROWS
          let d_row = adjoint[state(at_row, after) + k];
          // @end
          // @unroll q 3
          let unit_q = (q * HIDDEN + 4u * k) * QUADS + quad;
          let a_q = weight[unit_q];
          let b_q = weight[unit_q + QUADS];
          let c_q = weight[unit_q + 2u * QUADS];
          let e_q = weight[unit_q + 3u * QUADS];
          // @unroll row ROWS
          let told_q_row = d_row * factor[3u * step_row + q * QUADS + k];
          sum_row += a_q * told_q_row.x + b_q * told_q_row.y + c_q * told_q_row.z + e_q * told_q_row.w;
          // @end
          // @end
        }
        // @unroll row ROWS
        if (first + row < BATCH) { adjoint[state(at_row, t) + quad] = sum_row; }
        // @end
      }
    }
    if (UNIT_LANES > 1u) { storageBarrier(); }
  }
}
