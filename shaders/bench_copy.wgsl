// The adapter's bandwidth for a buffer of this size: result[i] = source[i], four numbers at a time.
// Bytes: 16 · QUADS read and as many written. No operations.
const QUADS: u32 = 64u;
// Quads an invocation copies, a workgroup's width apart.
const ITEMS: u32 = 1u;
const WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<storage, read> source: array<vec4f, QUADS>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f, QUADS>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let first = group.x * WORKGROUP * ITEMS + local.x;
  for (var item = 0u; item < ITEMS; item++) {
    let index = first + item * WORKGROUP;
    if (index < QUADS) { result[index] = source[index]; }
  }
}
