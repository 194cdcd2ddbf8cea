// How a result depends on every state of long short-term memory, all steps in one dispatch, backwards in time:
//   e = d_c[t+1] + peep[t] d_h[t+1],
//   d_c[t] = g_c[t] + keep[t] e,
//   d_h[t] = g_h[t] + Σ_q U_qᵀ (factor_q[t] e),  q = i, f, g, and of o with d_h[t+1] for e;
// d_c is without what the same step's h tells of c. All that is not a product with U is known before (ops/lstm).
// 8·HIDDEN² operations a row and step; see gru_adjoint.
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

// [BATCH, 1 + STEPS, 2·HIDDEN]: of h and c.
@group(0) @binding(0) var<storage, read> gradient: array<vec4f, BATCH * (1u + STEPS) * 2u * QUADS>;
// [BATCH, STEPS, 6·HIDDEN]: of i, f, g and o, then peep and keep.
@group(0) @binding(1) var<storage, read> factor: array<vec4f, BATCH * STEPS * 6u * QUADS>;
// [4·HIDDEN, HIDDEN].
@group(0) @binding(2) var<storage, read> weight: array<vec4f, 4u * HIDDEN * QUADS>;
// [BATCH, 1 + STEPS, 2·HIDDEN].
@group(0) @binding(3) var<storage, read_write> adjoint: array<vec4f, BATCH * (1u + STEPS) * 2u * QUADS>;

// What the lines below are unrolled by: declared, so that this file stands by itself; gone from a kernel.
const row: u32 = 0u;
const q: u32 = 0u;

fn state(of_row: u32, t: u32) -> u32 { return (of_row * (1u + STEPS) + t) * 2u * QUADS; }

@compute @workgroup_size(UNIT_LANES, ROW_LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let first = ((group.y * GRID_X + group.x) * ROW_LANES + local.y) * ROWS;
  let is_used = first < BATCH;
  // @unroll row ROWS
  let at_row = select(first, first + row, first + row < BATCH);
  // @end
  if (is_used) {
    for (var quad = local.x; quad < 2u * QUADS; quad += UNIT_LANES) {
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
        let step_row = (at_row * STEPS + t) * 6u * QUADS;
        let after_row = state(at_row, after);
        var sum_row = gradient[state(at_row, t) + quad];
        // @end
        for (var k = 0u; k < QUADS; k++) {
          // @unroll row ROWS
          let h_row = adjoint[after_row + k];
          let c_row = adjoint[after_row + QUADS + k] + factor[step_row + 4u * QUADS + k] * h_row;
          // @end
          // @unroll q 4
          let unit_q = (q * HIDDEN + 4u * k) * QUADS + quad;
          let a_q = weight[unit_q];
          let b_q = weight[unit_q + QUADS];
          let i_q = weight[unit_q + 2u * QUADS];
          let e_q = weight[unit_q + 3u * QUADS];
          // @unroll row ROWS
          let told_q_row = select(c_row, h_row, q == 3u) * factor[step_row + q * QUADS + k];
          sum_row += a_q * told_q_row.x + b_q * told_q_row.y + i_q * told_q_row.z + e_q * told_q_row.w;
          // @end
          // @end
        }
        // @unroll row ROWS
        if (first + row < BATCH) {
          let own_row = adjoint[after_row + QUADS + quad]
            + factor[step_row + 4u * QUADS + quad] * adjoint[after_row + quad];
          adjoint[state(at_row, t) + quad] = sum_row;
          adjoint[state(at_row, t) + QUADS + quad] = gradient[state(at_row, t) + QUADS + quad]
            + factor[step_row + 5u * QUADS + quad] * own_row;
        }
        // @end
      }
    }
    if (UNIT_LANES > 1u) { storageBarrier(); }
  }
}
