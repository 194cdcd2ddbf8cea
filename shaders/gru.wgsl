// The states of gated recurrent units, all steps in one dispatch:
//   r = σ(i_r + U_r h + b_r),  z = σ(i_z + U_z h + b_z),  n = tanh(i_n + r (U_n h + b_n)),
//   h' = n + z (h - n),
// where i = W x + c of every step is given. Cho et al. 2014, with the reset after the product, as PyTorch and
// cuDNN have it (Appleyard, Kociský and Blunsom 2016: a kernel that keeps to its rows through time).
// A workgroup a few rows, STEPS steps one after the other; 6·HIDDEN² operations a row and step. Bytes: inputs and
// states once, and the weights in each step from whatever cache holds them.
// @import lib/activations
const BATCH: u32 = 1u;
const STEPS: u32 = 4u;
// A multiple of 4.
const HIDDEN: u32 = 4u;
// Rows of an invocation, which share what it loads of the weights.
const ROWS: u32 = 2u;
// Invocations beside each other: for other units of the same rows, which need a barrier between steps, and for
// other rows, which need none.
const UNIT_LANES: u32 = 1u;
const ROW_LANES: u32 = 4u;
const GRID_X: u32 = 1u;

const QUADS: u32 = HIDDEN / 4u;

// [BATCH, STEPS, 3·HIDDEN]: of r, z and n.
@group(0) @binding(0) var<storage, read> inputs: array<vec4f, BATCH * STEPS * 3u * QUADS>;
// [3·HIDDEN, HIDDEN].
@group(0) @binding(1) var<storage, read> weight: array<vec4f, 3u * HIDDEN * QUADS>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f, 3u * QUADS>;
@group(0) @binding(3) var<storage, read> start: array<vec4f, BATCH * QUADS>;
// [BATCH, 1 + STEPS, HIDDEN]: the start, then what follows each step.
@group(0) @binding(4) var<storage, read_write> states: array<vec4f, BATCH * (1u + STEPS) * QUADS>;

// What the lines below are unrolled by: declared, so that this file stands by itself; gone from a kernel.
const row: u32 = 0u;
const u: u32 = 0u;

fn state(of_row: u32, t: u32) -> u32 { return (of_row * (1u + STEPS) + t) * QUADS; }

@compute @workgroup_size(UNIT_LANES, ROW_LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let first = ((group.y * GRID_X + group.x) * ROW_LANES + local.y) * ROWS;
  let is_used = first < BATCH;
  // What lies beyond the last row does the first one's work again and keeps nothing of it.
  // @unroll row ROWS
  let at_row = select(first, first + row, first + row < BATCH);
  // @end
  if (is_used) {
    for (var quad = local.x; quad < QUADS; quad += UNIT_LANES) {
      // @unroll row ROWS
      if (first + row < BATCH) { states[state(at_row, 0u) + quad] = start[at_row * QUADS + quad]; }
      // @end
    }
  }
  if (UNIT_LANES > 1u) { storageBarrier(); }
  for (var t = 0u; t < STEPS; t++) {
    if (is_used) {
      for (var quad = local.x; quad < QUADS; quad += UNIT_LANES) {
        let bias_r = bias[quad];
        let bias_z = bias[QUADS + quad];
        let bias_n = bias[2u * QUADS + quad];
        // @unroll row ROWS
        var told_r_row = bias_r;
        var told_z_row = bias_z;
        var told_n_row = bias_n;
        // @end
        for (var k = 0u; k < QUADS; k++) {
          // @unroll row ROWS
          let h_row = states[state(at_row, t) + k];
          // @end
          // @unroll u 4
          let unit_u = (4u * quad + u) * QUADS + k;
          let r_u = weight[unit_u];
          let z_u = weight[unit_u + HIDDEN * QUADS];
          let n_u = weight[unit_u + 2u * HIDDEN * QUADS];
          // @end
          // @unroll row ROWS
          told_r_row += vec4f(dot(r_0, h_row), dot(r_1, h_row), dot(r_2, h_row), dot(r_3, h_row));
          told_z_row += vec4f(dot(z_0, h_row), dot(z_1, h_row), dot(z_2, h_row), dot(z_3, h_row));
          told_n_row += vec4f(dot(n_0, h_row), dot(n_1, h_row), dot(n_2, h_row), dot(n_3, h_row));
          // @end
        }
        // @unroll row ROWS
        if (first + row < BATCH) {
          let given = (at_row * STEPS + t) * 3u * QUADS + quad;
          let r = sigmoid(inputs[given] + told_r_row);
          let z = sigmoid(inputs[given + QUADS] + told_z_row);
          let n = tanh4(inputs[given + 2u * QUADS] + r * told_n_row);
          let before = states[state(at_row, t) + quad];
          states[state(at_row, t + 1u) + quad] = n + z * (before - n);
        }
        // @end
      }
    }
    if (UNIT_LANES > 1u) { storageBarrier(); }
  }
}
