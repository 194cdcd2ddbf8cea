// Lines that are scanned in one piece: nothing lies before it.
// @import lib/scan_lines
@group(0) @binding(0) var<storage, read> x: array<f32, SIZE>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, SIZE>;

fn scan_before(line: u32, part: u32) -> f32 { return NOTHING; }
