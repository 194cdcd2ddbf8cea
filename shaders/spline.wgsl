// Monotone rational-quadratic splines, elementwise: values and the logarithms of their slopes, or of the
// inverse; outside ±BOUND the identity. Bytes: x and parameters once, two results.
// About 20 operations a bin. Formula: lib/spline_pieces.
// @import lib/spline_pieces
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

// Values, then logarithms of slopes.
@group(0) @binding(2) var<storage, read_write> y: array<f32, 2u * ELEMENTS>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let element = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (element >= ELEMENTS) { return; }
  let value = x[element];
  var result = value;
  var log_slope = 0.0;
  if (abs(value) < BOUND) {
    let at = first_parameter(element);
    let piece = find_piece(value, weights(at), weights(at + BINS * WIDTH), at);
    let xi = place_in(piece, value);
    let curve = curve_at(piece, xi);
    let logs = log4(vec4f(curve.s, curve.top, curve.under, 1.0));
    log_slope = 2.0 * (logs.x - logs.z) + logs.y;
    result = piece.bottom + piece.height * (curve.rise / curve.under);
    if (INVERSE) {
      result = piece.left + xi * piece.width;
      log_slope = -log_slope;
    }
  }
  y[element] = result;
  y[element + ELEMENTS] = log_slope;
}
