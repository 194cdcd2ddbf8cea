// Monotone rational-quadratic splines (Durkan, Bekasov, Murray and Papamakarios 2019): BINS pieces fill
// ±BOUND on either axis, and meet with given slopes. Parameters of an element are BINS logits of widths,
// BINS of heights, BINS - 1 of slopes; those of a row's elements lie in blocks of WIDTH.
//   y = b + h (s ξ² + d ξ(1-ξ)) / (s + (d + e - 2s) ξ(1-ξ)), ξ = (x - a) / w, s = h / w,
// for the piece with corner (a, b), extents w and h, slopes d and e at its ends.
// @import lib/activations
const ROWS: u32 = 1u;
const WIDTH: u32 = 1u;
const BINS: u32 = 4u;
const BOUND: f32 = 3.0;
// Whether x are results whose arguments are sought.
const INVERSE: bool = false;

const ELEMENTS: u32 = ROWS * WIDTH;
const PARAMETERS: u32 = 3u * BINS - 1u;
const QUADS: u32 = (BINS + 3u) / 4u;
// No piece is narrower or lower than this share of the whole, and no slope smaller.
const LEAST: f32 = 1.0e-3;
// softplus of this is 1 - LEAST: parameters of 0 give the identity.
const UNIT_SLOPE: f32 = 0.5397424172369522;

@group(0) @binding(0) var<storage, read> x: array<f32, ELEMENTS>;
@group(0) @binding(1) var<storage, read> parameters: array<f32, ELEMENTS * PARAMETERS>;

struct Piece {
  index: u32,
  left: f32,
  width: f32,
  bottom: f32,
  height: f32,
  // Slopes at the ends.
  first: f32,
  last: f32,
}

// Where an element's first parameter lies; the next are WIDTH apart.
fn first_parameter(element: u32) -> u32 {
  return element / WIDTH * WIDTH * PARAMETERS + element % WIDTH;
}

// Four logits from `k` on; past the end what has no weight.
fn logits(at: u32, k: u32) -> vec4f {
  var quad = vec4f(-3.0e38);
  for (var i = 0u; i < 4u && k + i < BINS; i++) { quad[i] = parameters[at + (k + i) * WIDTH]; }
  return quad;
}

// Softmax of BINS logits.
fn weights(at: u32) -> array<vec4f, QUADS> {
  var quads: array<vec4f, QUADS>;
  var top = vec4f(-3.0e38);
  for (var q = 0u; q < QUADS; q++) {
    quads[q] = logits(at, 4u * q);
    top = select(top, quads[q], quads[q] > top);
  }
  let two = select(top.xy, top.zw, top.zw > top.xy);
  let most = select(two.x, two.y, two.y > two.x);
  var total = 0.0;
  for (var q = 0u; q < QUADS; q++) {
    quads[q] = exp_nonpositive4(quads[q] - most);
    total += dot(quads[q], vec4f(1.0));
  }
  for (var q = 0u; q < QUADS; q++) { quads[q] /= total; }
  return quads;
}

fn extent(weight: f32) -> f32 {
  return 2.0 * BOUND * (LEAST + (1.0 - LEAST * f32(BINS)) * weight);
}

fn slope(at: u32, knot: u32) -> f32 {
  if (knot == 0u || knot == BINS) { return 1.0; }
  let h = parameters[at + (2u * BINS + knot - 1u) * WIDTH];
  return LEAST + softplus(vec4f(h + UNIT_SLOPE)).x;
}

// The piece that holds x, for the weights of both axes.
fn find_piece(
  value: f32,
  widths: array<vec4f, QUADS>,
  heights: array<vec4f, QUADS>,
  at: u32,
) -> Piece {
  var w = widths;
  var h = heights;
  var piece = Piece(0u, -BOUND, extent(w[0].x), -BOUND, extent(h[0].x), 1.0, 1.0);
  for (var k = 1u; k < BINS; k++) {
    let left = piece.left + piece.width;
    let bottom = piece.bottom + piece.height;
    if (value < select(left, bottom, INVERSE)) { break; }
    let next = vec2f(w[k / 4u][k % 4u], h[k / 4u][k % 4u]);
    piece = Piece(k, left, extent(next.x), bottom, extent(next.y), 1.0, 1.0);
  }
  piece.first = slope(at, piece.index);
  piece.last = slope(at, piece.index + 1u);
  return piece;
}

// ξ of what lies in a piece, within [0, 1].
fn place_in(piece: Piece, value: f32) -> f32 {
  var xi = (value - piece.left) / piece.width;
  if (INVERSE) {
    let s = piece.height / piece.width;
    let y = value - piece.bottom;
    let bend = y * (piece.first + piece.last - 2.0 * s);
    let a = piece.height * (s - piece.first) + bend;
    let b = piece.height * piece.first - bend;
    let c = -s * y;
    let square = b * b - 4.0 * a * c;
    // The form of the root in [0, 1] that keeps its digits.
    xi = -2.0 * c / (b + sqrt(select(0.0, square, square > 0.0)));
  }
  return select(select(xi, 0.0, xi < 0.0), 1.0, xi > 1.0);
}

// y and the parts of its logarithmic slope: 2 log s + log top - 2 log under.
struct Curve {
  s: f32,
  // ξ (1 - ξ).
  both: f32,
  rise: f32,
  under: f32,
  top: f32,
}

fn curve_at(piece: Piece, xi: f32) -> Curve {
  let s = piece.height / piece.width;
  let rest = 1.0 - xi;
  let both = xi * rest;
  return Curve(
    s,
    both,
    s * xi * xi + piece.first * both,
    // Of positive terms alone.
    s * (1.0 - 2.0 * both) + (piece.first + piece.last) * both,
    piece.last * xi * xi + 2.0 * s * both + piece.first * rest * rest,
  );
}
