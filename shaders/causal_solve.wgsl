// The image x whose causal convolution is y: A x = y, where pixel p of A x sees the pixels before p in
// raster order under a K×K window, and of p itself the channels up to its own:
//   x[p, c] = (y[p, c] - Σ_{(q, d) before (p, c)} w[c, q - p, d] x[q, d]) / w[c, 0, c]
// A pixel needs only pixels left of it and in the rows above, as far right as the window reaches: those
// on a slanted line (a wave) do not need each other and are solved side by side.
// Hoogeboom, van den Berg and Welling 2019 ("emerging convolutions").
// A workgroup an image, W + REACH·(H - 1) waves; K²C² fused operations a pixel.
const BATCH: u32 = 1u;
const HEIGHT: u32 = 4u;
const WIDTH: u32 = 4u;
const CHANNELS: u32 = 2u;
// The window's extent, odd.
const KERNEL: u32 = 3u;
// Raster order from the other corner: pixels, taps and channels all run backwards.
const REVERSED: bool = false;
// Whether the transpose of A is solved; it sees the pixels after p, so that REVERSED says it, too.
const TRANSPOSED: bool = false;
// Invocations an image: several need a barrier between waves.
const WORKGROUP: u32 = 16u;
const GRID_X: u32 = 1u;

const HALF: u32 = KERNEL / 2u;
// How much earlier the row below has to start.
const REACH: u32 = HALF + 1u;
const WAVES: u32 = WIDTH + REACH * (HEIGHT - 1u);
const IMAGE: u32 = HEIGHT * WIDTH * CHANNELS;
const TAPS: u32 = KERNEL * KERNEL * CHANNELS;

@group(0) @binding(0) var<storage, read> y: array<f32, BATCH * IMAGE>;
// [C, K, K, C]: the channel made, the tap, the channel seen.
@group(0) @binding(1) var<storage, read> w: array<f32, CHANNELS * TAPS>;
@group(0) @binding(2) var<storage, read_write> x: array<f32, BATCH * IMAGE>;

fn place(image: u32, row: u32, column: u32, channel: u32) -> u32 {
  let at = (row * WIDTH + column) * CHANNELS + channel;
  return image * IMAGE + select(at, IMAGE - 1u - at, REVERSED);
}

fn weight(made: u32, tap: u32, seen: u32) -> f32 {
  let last = KERNEL * KERNEL - 1u;
  // The transpose changes the channels' parts and mirrors the window; so does the order, of each.
  let t = select(tap, last - tap, REVERSED != TRANSPOSED);
  let m = select(made, CHANNELS - 1u - made, REVERSED);
  let s = select(seen, CHANNELS - 1u - seen, REVERSED);
  if (TRANSPOSED) { return w[(s * KERNEL * KERNEL + t) * CHANNELS + m]; }
  return w[(m * KERNEL * KERNEL + t) * CHANNELS + s];
}

fn solve(image: u32, row: u32, column: u32) {
  let center = HALF * KERNEL + HALF;
  for (var c = 0u; c < CHANNELS; c++) {
    var rest = y[place(image, row, column, c)];
    for (var tap = 0u; tap < center; tap++) {
      // Wraps around below zero, which is outside, too.
      let r = row + tap / KERNEL - HALF;
      let q = column + tap % KERNEL - HALF;
      if (r >= HEIGHT || q >= WIDTH) { continue; }
      for (var d = 0u; d < CHANNELS; d++) {
        rest -= weight(c, tap, d) * x[place(image, r, q, d)];
      }
    }
    for (var d = 0u; d < c; d++) {
      rest -= weight(c, center, d) * x[place(image, row, column, d)];
    }
    x[place(image, row, column, c)] = rest / weight(c, center, c);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let image = group.y * GRID_X + group.x;
  for (var wave = 0u; wave < WAVES; wave++) {
    if (image < BATCH) {
      // Rows that have a pixel on this wave: column = wave - REACH·row lies inside.
      for (var row = local.x; row < HEIGHT; row += WORKGROUP) {
        let column = wave - REACH * row;
        if (column < WIDTH) { solve(image, row, column); }
      }
    }
    if (WORKGROUP > 1u) { storageBarrier(); }
  }
}
