// The four lanes of a quad as one value, in a fixed order.

fn quad_sum(quad: vec4f) -> f32 { return (quad.x + quad.y) + (quad.z + quad.w); }

fn quad_max(quad: vec4f) -> f32 {
  let pairs = select(quad.xy, quad.zw, quad.zw > quad.xy);
  return select(pairs.x, pairs.y, pairs.y > pairs.x);
}
