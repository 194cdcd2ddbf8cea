// The states of long short-term memory, all steps in one dispatch:
//   i = σ(·_i), f = σ(·_f), g = tanh(·_g), o = σ(·_o)  of  · = x + U h + b,
//   c' = f c + i g,  h' = o tanh(c'),
// where x = W input + its bias of every step is given. Hochreiter and Schmidhuber 1997, with the forget gate of
// Gers et al. 2000, as PyTorch has it. Otherwise as gru: 8·HIDDEN² operations a row and step.
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

// [BATCH, STEPS, 4·HIDDEN]: of i, f, g and o.
@group(0) @binding(0) var<storage, read> inputs: array<vec4f, BATCH * STEPS * 4u * QUADS>;
// [4·HIDDEN, HIDDEN].
@group(0) @binding(1) var<storage, read> weight: array<vec4f, 4u * HIDDEN * QUADS>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f, 4u * QUADS>;
@group(0) @binding(3) var<storage, read> start: array<vec4f, BATCH * 2u * QUADS>;
// [BATCH, 1 + STEPS, 2·HIDDEN]: h and c of the start, then what follows each step.
@group(0) @binding(4) var<storage, read_write> states: array<vec4f, BATCH * (1u + STEPS) * 2u * QUADS>;

// What the lines below are unrolled by: declared, so that this file stands by itself; gone from a kernel.
const row: u32 = 0u;
const u: u32 = 0u;

fn state(of_row: u32, t: u32) -> u32 { return (of_row * (1u + STEPS) + t) * 2u * QUADS; }

@compute @workgroup_size(UNIT_LANES, ROW_LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let first = ((group.y * GRID_X + group.x) * ROW_LANES + local.y) * ROWS;
  let is_used = first < BATCH;
  // What lies beyond the last row does the first one's work again and keeps nothing of it.
  // @unroll row ROWS
  let at_row = select(first, first + row, first + row < BATCH);
  // @end
  if (is_used) {
    for (var quad = local.x; quad < 2u * QUADS; quad += UNIT_LANES) {
      // @unroll row ROWS
      if (first + row < BATCH) { states[state(at_row, 0u) + quad] = start[at_row * 2u * QUADS + quad]; }
      // @end
    }
  }
  if (UNIT_LANES > 1u) { storageBarrier(); }
  for (var t = 0u; t < STEPS; t++) {
    if (is_used) {
      for (var quad = local.x; quad < QUADS; quad += UNIT_LANES) {
        // @unroll row ROWS
        let given_row = (at_row * STEPS + t) * 4u * QUADS + quad;
        var i_row = inputs[given_row] + bias[quad];
        var f_row = inputs[given_row + QUADS] + bias[quad + QUADS];
        var g_row = inputs[given_row + 2u * QUADS] + bias[quad + 2u * QUADS];
        var o_row = inputs[given_row + 3u * QUADS] + bias[quad + 3u * QUADS];
        // @end
        for (var k = 0u; k < QUADS; k++) {
          // @unroll row ROWS
          let h_row = states[state(at_row, t) + k];
          // @end
          // @unroll u 4
          let unit_u = (4u * quad + u) * QUADS + k;
          let wi_u = weight[unit_u];
          let wf_u = weight[unit_u + HIDDEN * QUADS];
          let wg_u = weight[unit_u + 2u * HIDDEN * QUADS];
          let wo_u = weight[unit_u + 3u * HIDDEN * QUADS];
          // @end
          // @unroll row ROWS
          i_row += vec4f(dot(wi_0, h_row), dot(wi_1, h_row), dot(wi_2, h_row), dot(wi_3, h_row));
          f_row += vec4f(dot(wf_0, h_row), dot(wf_1, h_row), dot(wf_2, h_row), dot(wf_3, h_row));
          g_row += vec4f(dot(wg_0, h_row), dot(wg_1, h_row), dot(wg_2, h_row), dot(wg_3, h_row));
          o_row += vec4f(dot(wo_0, h_row), dot(wo_1, h_row), dot(wo_2, h_row), dot(wo_3, h_row));
          // @end
        }
        // @unroll row ROWS
        if (first + row < BATCH) {
          let kept = sigmoid(f_row) * states[state(at_row, t) + QUADS + quad];
          let cell = kept + sigmoid(i_row) * tanh4(g_row);
          states[state(at_row, t + 1u) + QUADS + quad] = cell;
          states[state(at_row, t + 1u) + quad] = sigmoid(o_row) * tanh4(cell);
        }
        // @end
      }
    }
    if (UNIT_LANES > 1u) { storageBarrier(); }
  }
}
