// Runs as pairs, to be merged.
@group(0) @binding(1) var<storage, read_write> result: array<vec2u, LINES * OUT>;

fn keep(at: u32, pair: vec2u) { result[at] = pair; }
