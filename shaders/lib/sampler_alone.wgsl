// Every invocation loads its four rows itself; `at` is where the first of them lies.
fn first(lane: u32) -> u32 { return 0u; }
fn second(own: vec4f, at: u32) -> vec4f { return x[at + X_QUADS]; }
fn third(own: vec4f, at: u32) -> vec4f { return x[at + 2u * X_QUADS]; }
fn fourth(own: vec4f, at: u32) -> vec4f { return x[at + 3u * X_QUADS]; }
// The row of the tile that accumulator i belongs to.
fn place(i: u32, lane: u32) -> u32 { return i; }
