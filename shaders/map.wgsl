// Elementwise chains over a broadcast domain: out[i] = f(a[i], b[i], …), one quad (four neighbouring
// elements of the last axis) at a time. The chain is composed by the scheduler and replaces
// `element`. Moves each input and output once; the arithmetic is the chain's own.
const QUADS: u32 = 1u;
// Quads an invocation handles, a workgroup's width apart.
const ITEMS: u32 = 1u;
const WORKGROUP: u32 = 64u;
// Workgroups in a row of the dispatch; the grid is folded, because a row holds at most 65535.
const GRID_X: u32 = 1u;

// @hook bindings
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;
// @end

// @hook element
fn element(index: u32) {
  result[index] = source[index];
}
// @end

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let first = (group.y * GRID_X + group.x) * WORKGROUP * ITEMS + local.x;
  let end = min(QUADS, first + WORKGROUP * ITEMS);
  for (var index = first; index < end; index += WORKGROUP) { element(index); }
}
