// Gradients of a rational-quadratic spline with respect to its argument and its parameters, for those
// of its values and of the logarithms of its slopes (`g`, one after the other): lib/spline_pieces.
// With F the spline and L the logarithm of its slope: an inverse has derivatives 1/F_x and -F_θ/F_x, and
// its own L is taken where it leads. Bytes: x, parameters and g once, as many results as x and parameters.
// @import lib/spline_pieces
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

@group(0) @binding(2) var<storage, read> g: array<f32, 2u * ELEMENTS>;
// Of x, then of the parameters.
@group(0) @binding(3) var<storage, read_write> result: array<f32, ELEMENTS * (1u + PARAMETERS)>;

// Gradients of the logits of an axis: from those of a start (a sum of extents) and of an extent.
fn store_axis(
  at: u32,
  given: array<vec4f, QUADS>,
  index: u32,
  to_start: f32,
  to_extent: f32,
) {
  var share = given;
  var mean = 0.0;
  for (var k = 0u; k <= index; k++) {
    mean += share[k / 4u][k % 4u] * select(to_start, to_extent, k == index);
  }
  let scale = 2.0 * BOUND * (1.0 - LEAST * f32(BINS));
  for (var k = 0u; k < BINS; k++) {
    let own = select(select(0.0, to_extent, k == index), to_start, k < index);
    result[ELEMENTS + at + k * WIDTH] = scale * share[k / 4u][k % 4u] * (own - mean);
  }
}

fn store_slopes(at: u32, index: u32, to_first: f32, to_last: f32) {
  for (var knot = 1u; knot < BINS; knot++) {
    let place = at + (2u * BINS + knot - 1u) * WIDTH;
    var own = 0.0;
    if (knot == index) { own = to_first; }
    if (knot == index + 1u) { own = to_last; }
    if (own != 0.0) { own *= sigmoid(vec4f(parameters[place] + UNIT_SLOPE)).x; }
    result[ELEMENTS + place] = own;
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let element = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (element >= ELEMENTS) { return; }
  let value = x[element];
  let at = first_parameter(element);
  var of_value = g[element];
  var of_slope = g[element + ELEMENTS];
  if (!(abs(value) < BOUND)) {
    result[element] = of_value;
    for (var k = 0u; k < PARAMETERS; k++) { result[ELEMENTS + at + k * WIDTH] = 0.0; }
    return;
  }
  let widths = weights(at);
  let heights = weights(at + BINS * WIDTH);
  let piece = find_piece(value, widths, heights, at);
  let xi = place_in(piece, value);
  let c = curve_at(piece, xi);
  let rest = 1.0 - xi;
  let turn = 1.0 - 2.0 * xi;
  let ratio = c.rise / c.under;
  // How y, per unit of height, and L change with ξ, s and the slopes.
  let y_xi = (2.0 * c.s * xi + piece.first * turn
    - ratio * (piece.first + piece.last - 2.0 * c.s) * turn) / c.under;
  let l_xi = (2.0 * piece.last * xi + 2.0 * c.s * turn - 2.0 * piece.first * rest) / c.top
    - 2.0 * (piece.first + piece.last - 2.0 * c.s) * turn / c.under;
  if (INVERSE) {
    let f_x = c.s * c.s * c.top / (c.under * c.under);
    let back = (of_value - of_slope * l_xi / piece.width) / f_x;
    result[element] = back;
    of_value = -back;
    of_slope = -of_slope;
  }
  let raised = of_value * piece.height;
  let to_xi = raised * y_xi + of_slope * l_xi;
  let to_s = raised * (xi * xi - ratio * (1.0 - 2.0 * c.both)) / c.under
    + of_slope * (2.0 / c.s + 2.0 * c.both / c.top - 2.0 * (1.0 - 2.0 * c.both) / c.under);
  let of_both = raised / c.under * c.both;
  let bent = -2.0 * of_slope * c.both / c.under;
  let to_first = of_both * (1.0 - ratio) + of_slope * rest * rest / c.top + bent;
  let to_last = -of_both * ratio + of_slope * xi * xi / c.top + bent;
  if (!INVERSE) { result[element] = to_xi / piece.width; }
  let to_left = -to_xi / piece.width;
  let to_width = -(to_xi * xi + to_s * c.s) / piece.width;
  store_axis(at, widths, piece.index, to_left, to_width);
  let to_height = of_value * ratio + to_s / piece.width;
  store_axis(at + BINS * WIDTH, heights, piece.index, of_value, to_height);
  store_slopes(at, piece.index, to_first, to_last);
}
