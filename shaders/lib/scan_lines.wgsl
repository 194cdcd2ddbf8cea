// The lines that a scan goes along: of x [OUTER, N, INNER] the middle axis, from its end if REVERSE.
// A long one is in PARTS of LENGTH elements.
const OUTER: u32 = 1u;
const N: u32 = 8u;
const INNER: u32 = 1u;
const REVERSE: bool = false;
// Whether an element is left out of what is told at its place.
const EXCLUSIVE: bool = false;
const LENGTH: u32 = 8u;
const PARTS: u32 = 1u;

const LINES: u32 = OUTER * INNER;
const SIZE: u32 = OUTER * N * INNER;

// Where the element lies that a scan comes to at `position` < N.
fn scan_place(line: u32, position: u32) -> u32 {
  let i = select(position, N - 1u - position, REVERSE);
  return (line / INNER * N + i) * INNER + line % INNER;
}
