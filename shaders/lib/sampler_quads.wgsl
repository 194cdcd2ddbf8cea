enable subgroups;
// Each lane of a quad loads one row of four and gets the others by swapping. After swap s it holds row
// (lane ^ s), so that its accumulators belong to rows in an order of its own.
fn first(lane: u32) -> u32 { return lane; }
fn second(own: vec4f, at: u32) -> vec4f { return quadSwapX(own); }
fn third(own: vec4f, at: u32) -> vec4f { return quadSwapY(own); }
fn fourth(own: vec4f, at: u32) -> vec4f { return quadSwapDiagonal(own); }
fn place(i: u32, lane: u32) -> u32 { return i ^ lane; }
