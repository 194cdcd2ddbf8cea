// Lines that are scanned in parts: what lies before each is given, [OUTER, PARTS - 1, INNER].
// @import lib/scan_lines
@group(0) @binding(0) var<storage, read> x: array<f32, SIZE>;
@group(0) @binding(1) var<storage, read> carry: array<f32, LINES * (PARTS - 1u)>;
@group(0) @binding(2) var<storage, read_write> y: array<f32, SIZE>;

fn scan_before(line: u32, part: u32) -> f32 {
  if (part == 0u) { return NOTHING; }
  // Parts are counted as the scan goes, what is carried as it lies in memory.
  let at = select(part - 1u, PARTS - 1u - part, REVERSE);
  return carry[(line / INNER * (PARTS - 1u) + at) * INNER + line % INNER];
}
