// Sums of weighed products of rows: S[i, j] = Σ_b r[b] y[b, i] y[b, j] for rows y [COMPONENTS, B, WIDTH] and
// weights r [COMPONENTS, B]; symmetric, so that only tiles with something on or below the diagonal are
// computed, and each sum is written twice. Rows that have a 1 among them have Σ r y and Σ r among the sums.
// Rows are dealt out to SPLITS parts of LENGTH, summed each on its own: [SPLITS, COMPONENTS, WIDTH, WIDTH].
// Four lanes compute 12 × 16 sums. A lane loads 17 quads for 192 fused operations; where lanes exchange
// registers, 8. B · WIDTH² operations, and half a tile more a row of tiles. Bytes: y once for each tile.
const B: u32 = 4u;
const WIDTH: u32 = 8u;
const COMPONENTS: u32 = 1u;
const SPLITS: u32 = 1u;
// A multiple of four.
const LENGTH: u32 = 4u;
const WORKGROUP: u32 = 4u;
const GRID_X: u32 = 1u;

const Q: u32 = WIDTH / 4u;

@group(0) @binding(0) var<storage, read> y: array<vec4f, COMPONENTS * B * Q>;
@group(0) @binding(1) var<storage, read> r: array<f32, COMPONENTS * B>;
@group(0) @binding(2) var<storage, read_write> moments: array<f32, SPLITS * COMPONENTS * WIDTH * WIDTH>;

const TILES_M: u32 = (WIDTH + 11u) / 12u;
const TILES_N: u32 = (WIDTH + 15u) / 16u;
const p: u32 = 0u;
const s: u32 = 0u;
const c: u32 = 0u;

// What lane ^ s of the four loads from `at`; here every lane loads it for itself.
// @hook exchange
fn tile_of(group: u32, local: u32) -> u32 { return group * (WORKGROUP / 4u) + local / 4u; }
fn other_1(own: vec4f, at: u32) -> vec4f { return y[at]; }
fn other_2(own: vec4f, at: u32) -> vec4f { return y[at]; }
fn other_3(own: vec4f, at: u32) -> vec4f { return y[at]; }
fn weight_1(own: f32, at: u32) -> f32 { return r[at]; }
fn weight_2(own: f32, at: u32) -> f32 { return r[at]; }
fn weight_3(own: f32, at: u32) -> f32 { return r[at]; }
// @end

fn other_0(own: vec4f, at: u32) -> vec4f { return own; }
fn weight_0(own: f32, at: u32) -> f32 { return own; }

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let unit = tile_of(group.y * GRID_X + group.x, local);
  let lane = local % 4u;
  let component = unit / (TILES_M * TILES_N) % COMPONENTS;
  let part = unit / (TILES_M * TILES_N * COMPONENTS);
  let i = unit / TILES_N % TILES_M * 12u;
  let j = unit % TILES_N * 16u + lane * 4u;
  // All four of a tile go together.
  if (part >= SPLITS || i + 12u <= unit % TILES_N * 16u) { return; }
  let base = component * B;
  let end = min(B, (part + 1u) * LENGTH);
  let column = min(j / 4u, Q - 1u);
  // @unroll p 3
  let line_p = min(i / 4u + p, Q - 1u);
  // @unroll c 4
  var sum_p_c = vec4f(0.0);
  // @end
  // @end
  for (var row = part * LENGTH; row < end; row += 4u) {
    // @unroll s 4
    // Rows past the end weigh nothing.
    let at_s = base + min(row + (lane ^ s), B - 1u);
    // @end
    let weight = r[at_0];
    // @unroll s 4
    let r_s = select(0.0, weight_s(weight, at_s), row + (lane ^ s) < end);
    let b_s = y[at_s * Q + column] * r_s;
    // @end
    // @unroll p 3
    let own_p = y[at_0 * Q + line_p];
    // @unroll s 4
    let a_p_s = other_s(own_p, at_s * Q + line_p);
    // @unroll c 4
    sum_p_c = fma(vec4f(a_p_s[c]), b_s, sum_p_c);
    // @end
    // @end
    // @end
  }
  let out = (part * COMPONENTS + component) * WIDTH * WIDTH;
  // @unroll p 3
  // @unroll c 4
  put(out, i + 4u * p + c, j, sum_p_c);
  // @end
  // @end
}

fn put(out: u32, row: u32, column: u32, sums: vec4f) {
  if (row >= WIDTH) { return; }
  for (var at = 0u; at < 4u && column + at <= row; at++) {
    moments[out + row * WIDTH + column + at] = sums[at];
    moments[out + (column + at) * WIDTH + row] = sums[at];
  }
}
