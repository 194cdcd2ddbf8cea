// y[r, c] = exp(x[r, c] - max_r) / sum_c exp(x[r, c] - max_r): one workgroup a row.
override WIDTH: u32 = 64;

struct Shape { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> scratch: array<f32, WIDTH>;

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let start = group.x * shape.columns;

  var top = -3.4e38;
  for (var c = lane; c < shape.columns; c += WIDTH) { top = max(top, x[start + c]); }
  scratch[lane] = top;
  workgroupBarrier();
  for (var step = WIDTH / 2; step > 0; step /= 2) {
    if (lane < step) { scratch[lane] = max(scratch[lane], scratch[lane + step]); }
    workgroupBarrier();
  }
  let largest = scratch[0];
  // All have read it before any writes there again.
  workgroupBarrier();

  var sum = 0.0;
  for (var c = lane; c < shape.columns; c += WIDTH) { sum += exp(x[start + c] - largest); }
  scratch[lane] = sum;
  workgroupBarrier();
  for (var step = WIDTH / 2; step > 0; step /= 2) {
    if (lane < step) { scratch[lane] += scratch[lane + step]; }
    workgroupBarrier();
  }
  let total = scratch[0];

  for (var c = lane; c < shape.columns; c += WIDTH) {
    y[start + c] = exp(x[start + c] - largest) / total;
  }
}
