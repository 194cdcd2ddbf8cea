// What a dispatch costs by itself: one invocation, one number. Each dispatch depends on the one before
// it, as the kernels of a step do.
@group(0) @binding(0) var<storage, read_write> counter: array<u32, 1>;

@compute @workgroup_size(1)
fn main() {
  counter[0] += 1u;
}
