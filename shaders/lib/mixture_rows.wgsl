// What kernels of mixtures have in common: rows x [B, XQ quads], means [COMPONENTS, XQ quads], factors Pᵀ
// [COMPONENTS / SHARE, 4 XQ, XQ quads], zeros past D; scale [COMPONENTS]; white [COMPONENTS, B, XQ + 1 quads].
const B: u32 = 4u;
const XQ: u32 = 1u;
const COMPONENTS: u32 = 1u;
// Components that share a factor.
const SHARE: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<vec4f, B * XQ>;
@group(0) @binding(1) var<storage, read> mean: array<vec4f, COMPONENTS * XQ>;
@group(0) @binding(2) var<storage, read> factor: array<vec4f, COMPONENTS / SHARE * 4u * XQ * XQ>;
@group(0) @binding(3) var<storage, read> scale: array<f32, COMPONENTS>;
@group(0) @binding(4) var<storage, read_write> white: array<vec4f, COMPONENTS * B * (XQ + 1u)>;

fn put_quad(component: u32, row: u32, quad: u32, y: vec4f) {
  if (row < B) { white[(component * B + row) * (XQ + 1u) + quad] = y; }
}

// What follows y: 1, log p(x, c) by the sum of squares, zeros.
fn finish_row(component: u32, row: u32, squares: f32) {
  put_quad(component, row, XQ, vec4f(1.0, scale[component] - 0.5 * squares, 0.0, 0.0));
}
