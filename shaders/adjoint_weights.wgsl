// A convolution's weight w [OUT, IN, KERNEL] as its adjoint multiplies places by it: for each of STRIDE²
// phases the taps that reach it, the last one first,
//   y[phase, t, o, i] = w[o, i, u(t)],  u(t) = STRIDE·(N - 1 - t) + (phase + T) mod STRIDE along each axis,
// N = ⌈KERNEL / STRIDE⌉ of them, zero past the kernel. Without a stride these are the taps mirrored.
// Bytes: either once. No operations.
const OUT: u32 = 1u;
const IN: u32 = 1u;
const KERNEL_HEIGHT: u32 = 3u;
const KERNEL_WIDTH: u32 = 3u;
const STRIDE: u32 = 1u;
const SHIFT_TOP: u32 = 0u;
const SHIFT_LEFT: u32 = 0u;
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

const TALL: u32 = (KERNEL_HEIGHT + STRIDE - 1u) / STRIDE;
const WIDE: u32 = (KERNEL_WIDTH + STRIDE - 1u) / STRIDE;
const SIZE: u32 = STRIDE * STRIDE * TALL * WIDE * OUT * IN;

@group(0) @binding(0) var<storage, read> w: array<f32, OUT * IN * KERNEL_HEIGHT * KERNEL_WIDTH>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, SIZE>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (at >= SIZE) { return; }
  let channels = at % (OUT * IN);
  let tap = at / (OUT * IN) % (TALL * WIDE);
  let phase = at / (OUT * IN * TALL * WIDE);
  let u = STRIDE * (TALL - 1u - tap / WIDE) + (phase / STRIDE + SHIFT_TOP) % STRIDE;
  let v = STRIDE * (WIDE - 1u - tap % WIDE) + (phase % STRIDE + SHIFT_LEFT) % STRIDE;
  var value = 0.0;
  if (u < KERNEL_HEIGHT && v < KERNEL_WIDTH) {
    value = w[(channels * KERNEL_HEIGHT + u) * KERNEL_WIDTH + v];
  }
  y[at] = value;
}
