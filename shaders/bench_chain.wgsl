// How long the adapter waits for memory of this size: LOADS loads, of which each says where the next is.
//   at <- next[at]
// Bytes: 4 · LOADS read, each from a cache line of its own. No operations.
const LOADS: u32 = 64u;
const UNROLL: u32 = 8u;

@group(0) @binding(0) var<storage, read> next: array<u32>;
@group(0) @binding(1) var<storage, read_write> place: array<u32, 4>;

const u: u32 = 0u;

@compute @workgroup_size(1)
fn main() {
  var at = place[0];
  for (var n = 0u; n < LOADS / UNROLL; n++) {
    // @unroll u UNROLL
    at = next[at];
    // @end
  }
  place[0] = at;
}
