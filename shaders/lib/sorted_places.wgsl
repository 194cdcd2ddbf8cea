// The last run, whose keys nobody needs any more.
@group(0) @binding(1) var<storage, read_write> result: array<u32, LINES * OUT>;

fn keep(at: u32, pair: vec2u) { result[at] = pair.y; }
