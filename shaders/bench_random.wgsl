// The adapter's rate of random draws: Philox4x32-10 and what makes variates of its words, summed in
// registers.
// Draws: 4 · ITERATIONS an invocation. Bytes: 16 an invocation.
// @import lib/philox
// @import lib/random
const ITERATIONS: u32 = 32u;
// 1: normal variates; 0: uniform ones.
const NORMAL: u32 = 1u;
const WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> key: vec4u;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;

fn variates(bits: vec4u) -> vec4f {
  if (NORMAL == 1u) { return normal4(bits); }
  return uniform4(bits);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var total = vec4f(0.0);
  for (var n = 0u; n < ITERATIONS; n++) {
    total += variates(philox(vec4u(id.x * ITERATIONS + n, key.w, key.z, 0u), key.xy));
  }
  result[id.x] = total;
}
