// A chain of products in numbers, and what is composed for each of its layers. Strips hold the rows
// that a workgroup works on, ceil(width / 4) quads each.
const M: u32 = 4u;
// Rows of a workgroup.
const ROWS: u32 = 4u;
// Workgroups that share the columns of the last layer.
const PARTS: u32 = 1u;
const LAYERS: u32 = 1u;
// Workgroups in a row of the dispatch; the grid is folded, because a row holds at most 65535.
const GRID_X: u32 = 1u;

// @hook layers
const K_QUADS_0: u32 = 1u;
const N_QUADS_0: u32 = 1u;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weights_0: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;
var<workgroup> strip_0: array<vec4f, 4>;

// Puts X₀[row, col … col+3] at place `slot` of the first strip; the row may lie past the end.
fn enter(slot: u32, row: u32, col: u32, part: u32) {
  strip_0[slot] = x[row * K_QUADS_0 + col / 4u];
}

// A quad of a layer's strip.
fn take_0(at: u32) -> vec4f { return strip_0[at]; }

// The quads of columns that a workgroup computes: from, to.
fn quad_range_0(part: u32) -> vec2u { return vec2u(0u, N_QUADS_0); }

// Where the weights of columns col … col+3 start.
fn weight_start_0(col: u32) -> u32 { return col / 4u; }

// Column q of the block is W[4·k4+q, col … col+3]; terms past the end of the sum are zero.
fn weight_block_0(start: u32, k4: u32) -> mat4x4f {
  let at = start + k4 * 4u * N_QUADS_0;
  return mat4x4f(
    weights_0[at],
    weights_0[at + N_QUADS_0],
    weights_0[at + 2u * N_QUADS_0],
    weights_0[at + 3u * N_QUADS_0],
  );
}

// Does what follows the product to four columns of a row, and passes them on: row `place` of the strip.
fn leave_0(place: u32, row: u32, col: u32, part: u32, value: vec4f) {
  if (row < M) { output[row * N_QUADS_0 + col / 4u] = value; }
}
// @end
