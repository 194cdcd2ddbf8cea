enable subgroups;
// A workgroup is one subgroup; in the place of what lane ^ s of four would load, what it has loaded.
fn other_1(own: vec4f, at: u32) -> vec4f { return quadSwapX(own); }
fn other_2(own: vec4f, at: u32) -> vec4f { return quadSwapY(own); }
fn other_3(own: vec4f, at: u32) -> vec4f { return quadSwapDiagonal(own); }
fn weight_1(own: f32, at: u32) -> f32 { return quadSwapX(own); }
fn weight_2(own: f32, at: u32) -> f32 { return quadSwapY(own); }
fn weight_3(own: f32, at: u32) -> f32 { return quadSwapDiagonal(own); }
fn tile_of(group: u32, local: u32) -> u32 { return group; }
