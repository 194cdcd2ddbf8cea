// Rows added up by an index: y[n, k] = Σ_b [index[b] = n] x[b, k], the adjoint of picking rows. Terms are
// added in the order of b, so that the sum has the same bits every time; rows that nothing names are zeros.
// Bytes: y once, the rows of x once, the index once for each invocation (from a cache). ROWS·WIDTH operations.
const ROWS: u32 = 1u;
const COUNT: u32 = 4u;
const WIDTH: u32 = 4u;
// Elements of a row that an invocation has: all of them, or one beside another's.
const PART: u32 = 4u;
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

const PARTS: u32 = (WIDTH + PART - 1u) / PART;

@group(0) @binding(0) var<storage, read> x: array<f32, ROWS * WIDTH>;
@group(0) @binding(1) var<storage, read> index: array<u32, ROWS>;
@group(0) @binding(2) var<storage, read_write> y: array<f32, COUNT * WIDTH>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= COUNT * PARTS) { return; }
  let row = at / PARTS;
  let first = at % PARTS * PART;
  let end = min(first + PART, WIDTH);
  for (var k = first; k < end; k++) { y[row * WIDTH + k] = 0.0; }
  for (var b = 0u; b < ROWS; b++) {
    if (index[b] != row) { continue; }
    for (var k = first; k < end; k++) { y[row * WIDTH + k] += x[b * WIDTH + k]; }
  }
}
