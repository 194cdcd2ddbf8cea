// The adapter's arithmetic peak: chains of fused multiply-adds that never leave the registers.
//   acc <- acc a + b, for ACCUMULATORS independent chains of numbers an invocation
// Operations: 2 · ACCUMULATORS · UNROLL · ITERATIONS an invocation, four times as many of vectors. Bytes:
// a number an invocation, so that no compiler can drop the work; a and b come from memory, so that none
// can do it beforehand.
// @hook number
alias Scalar = f32;
alias Number = vec4f;
// @end
const ACCUMULATORS: u32 = 8u;
const ITERATIONS: u32 = 128u;
const UNROLL: u32 = 8u;
const WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<storage, read> factors: array<Number, 2>;
@group(0) @binding(1) var<storage, read_write> result: array<Number>;

// What the lines below are unrolled by: declared, so that this file stands by itself; gone from a kernel.
const i: u32 = 0u;
const u: u32 = 0u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = factors[0];
  let b = factors[1];
  // @unroll i ACCUMULATORS
  var acc_i = Number(Scalar(id.x % 64u + i));
  // @end
  for (var n = 0u; n < ITERATIONS; n++) {
    // @unroll u UNROLL
    // @unroll i ACCUMULATORS
    acc_i = fma(acc_i, a, b);
    // @end
    // @end
  }
  var total = Number();
  // @unroll i ACCUMULATORS
  total += acc_i;
  // @end
  result[id.x] = total;
}
