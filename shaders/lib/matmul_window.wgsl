// @import lib/matmul_problem
// @import lib/window
// An operand of which a row holds the taps of a window over images, cut out where they lie and never
// written down: A[place, (u, v, c)] = x[b, i·S + u·D - TOP, j·S + v·D - LEFT, c], zero outside the image.
// Imported as a or as b, which x and X stand for. A pixel has a multiple of four channels.
//
// Products in PHASES² batches go back through a stride: a batch has the places of one phase, pixels
// (i·PHASES + phase), which the taps of that phase alone reach (Shi et al. 2016).
const PHASES: u32 = 1u;
const SHIFT_TOP: u32 = 0u;
const SHIFT_LEFT: u32 = 0u;

// Row and column of the first tap, and its pixel; they wrap around below zero, which is outside, too.
struct X_Place { top: u32, left: u32, corner: u32 }

// The window at a place, counted through all batches.
fn x_place(index: u32) -> X_Place {
  var place = index;
  var down = 0u;
  var right = 0u;
  if (PHASES > 1u) {
    let phase = index / PLACES;
    place = index - phase * PLACES;
    down = (phase / PHASES + SHIFT_TOP) / PHASES;
    right = (phase % PHASES + SHIFT_LEFT) / PHASES;
  }
  let line = place / OUT_WIDTH;
  let image = line / OUT_HEIGHT;
  let top = (line - image * OUT_HEIGHT) * STRIDE + down - TOP;
  let left = (place - line * OUT_WIDTH) * STRIDE + right - LEFT;
  return X_Place(top, left, (image * HEIGHT + top) * WIDTH + left);
}

// Four terms of the window at a place.
fn x_window(place: X_Place, quad: u32) -> vec4f {
  let tap = quad / CELLS;
  let u = tap / KERNEL_WIDTH * DILATION;
  let v = tap % KERNEL_WIDTH * DILATION;
  let inside = place.top + u < HEIGHT && place.left + v < WIDTH;
  let at = (place.corner + u * WIDTH + v) * CELLS + quad % CELLS;
  return select(vec4f(0.0), x_at(at), inside);
}
