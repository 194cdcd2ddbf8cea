// The adapter's bandwidth for reading a buffer of this size, four numbers at a time.
// Bytes: 16 · QUADS read, next to none written. Operations: 4 · QUADS.
const QUADS: u32 = 64u;
// Quads an invocation reads, a workgroup's width apart.
const ITEMS: u32 = 1u;
const WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<storage, read> source: array<vec4f, QUADS>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f, 1>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let first = group.x * WORKGROUP * ITEMS + local.x;
  var total = vec4f(0.0);
  for (var item = 0u; item < ITEMS; item++) {
    let index = first + item * WORKGROUP;
    if (index < QUADS) { total += source[index]; }
  }
  // Never so, which no compiler knows: none can drop the reads.
  if (total.x > 3.0e38) { result[0] = total; }
}
