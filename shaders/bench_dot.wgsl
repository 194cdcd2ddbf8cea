// The adapter's rate of dot products of four 8-bit integers, as sums of quantised weights take them:
//   acc <- acc + acc · b, four signed bytes each, for ACCUMULATORS independent chains an invocation
// Operations: 8 · ACCUMULATORS · UNROLL · ITERATIONS an invocation. Bytes: 4 an invocation, so that no
// compiler can drop the work; b comes from memory, so that none can do it beforehand.
const ACCUMULATORS: u32 = 8u;
const ITERATIONS: u32 = 128u;
const UNROLL: u32 = 8u;
const WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<storage, read> factor: array<u32, 4>;
@group(0) @binding(1) var<storage, read_write> result: array<i32>;

const i: u32 = 0u;
const u: u32 = 0u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let b = factor[0];
  // @unroll i ACCUMULATORS
  var acc_i = i32(id.x + i);
  // @end
  for (var n = 0u; n < ITERATIONS; n++) {
    // @unroll u UNROLL
    // @unroll i ACCUMULATORS
    acc_i += dot4I8Packed(bitcast<u32>(acc_i), b);
    // @end
    // @end
  }
  var total = 0;
  // @unroll i ACCUMULATORS
  total += acc_i;
  // @end
  result[id.x] = total;
}
