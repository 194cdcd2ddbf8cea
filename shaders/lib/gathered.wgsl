// What is read from a row that a table of `rows` may not have: a row beyond them is no number, and as an index
// in its turn beyond every table. The bits are made of the row's own, because a constant may not be NaN.
fn gathered4(quad: vec4f, row: u32, rows: u32) -> vec4f {
  return select(quad, bitcast<vec4f>(vec4u(row | 0x7fc00000u)), row >= rows);
}

fn gathered_u4(quad: vec4u, row: u32, rows: u32) -> vec4u {
  return select(quad, vec4u(0xffffffffu), row >= rows);
}
