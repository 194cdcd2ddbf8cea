// The adapter's rate of normal draws: Philox4x32-10 and Box and Muller, summed in registers.
// Draws: 4 · ITERATIONS an invocation. Bytes: 16 an invocation.
// @import lib/philox
// @import lib/random
const ITERATIONS: u32 = 16u;
const WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<storage, read> key: array<vec2u, 1>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var total = vec4f(0.0);
  for (var n = 0u; n < ITERATIONS; n++) {
    total += normal4(philox(vec4u(id.x, n, 0u, 0u), key[0]));
  }
  result[id.x] = total;
}
