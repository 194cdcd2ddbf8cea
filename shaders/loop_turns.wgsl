// Takes the turns that it is asked for and says how many it took: Mesa's llvmpipe ends all loops of an
// invocation after some, without a word.

// As many as are asked for; in their place as many as were taken.
@group(0) @binding(0) var<storage, read_write> turns: array<u32, 1>;

@compute @workgroup_size(1)
fn main() {
  let asked = turns[0];
  var taken = 0u;
  for (var i = 0u; i < asked; i++) {
    taken += 1u;
  }
  turns[0] = taken;
}
