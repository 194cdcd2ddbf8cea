// What is sorted: numbers as unsigned keys of the same order, and their places, which settle ties.

// Whether the largest come first. NaN is larger than every number, and -0 is 0.
const DESCENDING: bool = false;

// Past the end of a line.
const NONE: vec2u = vec2u(0xffffffffu);

// @param bits those of a float32: a negative one with all of them turned, another with its sign set
fn sort_key(bits: u32) -> u32 {
  let size = bits & 0x7fffffffu;
  let signed = select(bits | 0x80000000u, ~bits, bits > 0x80000000u);
  let key = select(signed, 0xffffffffu, size > 0x7f800000u);
  return select(key, ~key, DESCENDING);
}

fn sorts_before(a: vec2u, b: vec2u) -> bool { return a.x < b.x || (a.x == b.x && a.y < b.y); }
