// The adapter's bandwidth for writing a buffer of this size: result[i] = value, four numbers at a time.
// Bytes: 16 · QUADS written. No operations.
const QUADS: u32 = 64u;
// Quads an invocation writes, a workgroup's width apart.
const ITEMS: u32 = 1u;
const WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<uniform> value: vec4f;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f, QUADS>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let first = group.x * WORKGROUP * ITEMS + local.x;
  for (var item = 0u; item < ITEMS; item++) {
    let index = first + item * WORKGROUP;
    if (index < QUADS) { result[index] = value; }
  }
}
