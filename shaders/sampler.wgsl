// A decoder's layers for the sampler: Y[m,n] = f(Σ_k X[m,k] W[k,n] + b[n]), and the means of
// categorical distributions, Σ_l l softmax(logits)_l / (L - 1).
//
// Shapes: X [ROWS, 4·X_QUADS] and Y [ROWS, 4·Y_QUADS], rows padded to sixteen floats; W [4·K, 4·Y_QUADS]
// and below it one row for b. Rows of W past the sum are zero, so that what lies in the padding of
// X does not matter.
// Operations: 2·m·n·k. Bytes it must move: 4·(m·k + k·n + m·n).
// Register tiles without workgroup memory: an invocation computes TILE_M rows of four columns. Loads
// for a step of four terms: TILE_M + 4 quads, or TILE_M / 4 + 4 where the four lanes of a quad share
// theirs (the hook `share`), for 16·TILE_M multiplications.
//
// The constants in capitals are set in the text when the model is known: arrays of a fixed size spare
// the checks of every load.
// @import lib/activations
// @hook share
// @import lib/sampler_alone
// @end

const TILE_M: u32 = 4u;
const GROUP: u32 = 4u;
const ROWS: u32 = 24u;
const K: u32 = 4u;
const X_QUADS: u32 = 4u;
const Y_QUADS: u32 = 4u;
const LEVELS: u32 = 2u;
const ACTIVATION: u32 = 0u;

const X_SIZE: u32 = ROWS * X_QUADS;
const Y_SIZE: u32 = ROWS * Y_QUADS;
const W_SIZE: u32 = (4u * K + 1u) * Y_QUADS;

@group(0) @binding(0) var<storage, read> x: array<vec4f, X_SIZE>;
@group(0) @binding(1) var<storage, read> w: array<vec4f, W_SIZE>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f, Y_SIZE>;

fn leakyRelu(v: vec4f) -> vec4f { return leaky_relu(v, vec4f(0.01)); }

// Which of them is not in the text for a page, which writes a function's name over `identity` (src/sampler/network.ts).
fn activate(v: vec4f) -> vec4f {
  switch ACTIVATION {
    case 1u: { return relu(v); }
    case 2u: { return tanh4(v); }
    case 3u: { return sigmoid(v); }
    case 4u: { return softplus(v); }
    case 5u: { return gelu(v); }
    case 6u: { return silu(v); }
    case 7u: { return leakyRelu(v); }
    default: { return v; }
  }
}

// What the lines below are unrolled by: declared, so that this file stands by itself; gone from a kernel.
const p: u32 = 0u;
const s: u32 = 0u;

@compute @workgroup_size(GROUP)
fn layer(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * TILE_M;
  let column = group.x * GROUP + lane;
  // @unroll p TILE_M / 4
  let x_p = (row + p * 4u + first(lane)) * X_QUADS;
  // @unroll s 4
  var acc_p_s = w[4u * K * Y_QUADS + column];
  // @end
  // @end
  for (var k = 0u; k < K; k++) {
    let at = 4u * k * Y_QUADS + column;
    let w_0 = w[at];
    let w_1 = w[at + Y_QUADS];
    let w_2 = w[at + 2u * Y_QUADS];
    let w_3 = w[at + 3u * Y_QUADS];
    // @unroll p TILE_M / 4
    let a_p_0 = x[x_p + k];
    let a_p_1 = second(a_p_0, x_p + k);
    let a_p_2 = third(a_p_0, x_p + k);
    let a_p_3 = fourth(a_p_0, x_p + k);
    // @unroll s 4
    acc_p_s = fma(w_3, vec4f(a_p_s.w), fma(w_2, vec4f(a_p_s.z),
      fma(w_1, vec4f(a_p_s.y), fma(w_0, vec4f(a_p_s.x), acc_p_s))));
    // @end
    // @end
  }
  // The finished tile goes through an array, so that the activation is compiled once.
  var tile: array<vec4f, TILE_M>;
  // @unroll p TILE_M / 4
  // @unroll s 4
  tile[p * 4u + s] = acc_p_s;
  // @end
  // @end
  if (column >= Y_QUADS) { return; }
  for (var i = 0u; i < TILE_M; i++) {
    y[(row + place(i, lane)) * Y_QUADS + column] = activate(tile[i]);
  }
}

fn logit(i: u32) -> f32 { return x[i / 4u][i % 4u]; }

// One invocation a row and four features.
@compute @workgroup_size(GROUP)
fn levels(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= Y_QUADS) { return; }
  var means = vec4f(0.0);
  for (var j = 0u; j < 4u; j++) {
    let start = 4u * id.y * X_QUADS + (4u * id.x + j) * LEVELS;
    var top = logit(start);
    for (var l = 1u; l < LEVELS; l++) { top = max(top, logit(start + l)); }
    var total = 0.0;
    var weighted = 0.0;
    for (var l = 0u; l < LEVELS; l++) {
      let e = exp_nonpositive4(vec4f(logit(start + l) - top)).x;
      total += e;
      weighted = fma(e, f32(l), weighted);
    }
    means[j] = weighted / (total * f32(LEVELS - 1u));
  }
  y[id.y * Y_QUADS + id.x] = means;
}
