// Operand B as the windows of images, its rows places: what a convolution's weights are multiplied by
// comes to meet its gradient.
// @import lib/matmul_b_quads
// @import lib/window

// Whether four places that follow each other lie in one line.
const B_ONE_LINE: bool = OUT_WIDTH % 4u == 0u;

// A tap and channels: from a place's corner, down and right, wrapped around; the first place of a batch.
struct B_Tap { down: u32, right: u32, cell: u32, place: u32 }

fn b_start(batch: u32, col: u32) -> B_Tap {
  let tap = col / 4u / CELLS;
  let down = tap / KERNEL_WIDTH * DILATION - TOP;
  let right = tap % KERNEL_WIDTH * DILATION - LEFT;
  return B_Tap(down, right, col / 4u % CELLS, batch * (B_BATCH_STRIDE / B_LD));
}

// Four channels under the tap at a place of a line.
fn b_pixel(tap: B_Tap, line: u32, column: u32) -> vec4f {
  let image = line / OUT_HEIGHT;
  let row = (line - image * OUT_HEIGHT) * STRIDE + tap.down;
  let left = column * STRIDE + tap.right;
  let at = ((image * HEIGHT + row) * WIDTH + left) * CELLS + tap.cell;
  return select(vec4f(0.0), b_at(at), row < HEIGHT && left < WIDTH);
}

fn b_term(tap: B_Tap, place: u32, k: u32, length: u32) -> vec4f {
  let line = place / OUT_WIDTH;
  return within_k1(b_pixel(tap, line, place - line * OUT_WIDTH), k, length);
}

// Column q of the block is B[4·k4+q, col … col+3].
fn b_block(start: B_Tap, k4: u32, length: u32) -> mat4x4f {
  let k = 4u * k4;
  let place = start.place + k;
  if (B_ONE_LINE && !K_OVERRUNS) {
    let line = place / OUT_WIDTH;
    let column = place - line * OUT_WIDTH;
    return mat4x4f(
      b_pixel(start, line, column),
      b_pixel(start, line, column + 1u),
      b_pixel(start, line, column + 2u),
      b_pixel(start, line, column + 3u),
    );
  }
  return mat4x4f(
    b_term(start, place, k, length),
    b_term(start, place + 1u, k + 1u, length),
    b_term(start, place + 2u, k + 2u, length),
    b_term(start, place + 3u, k + 3u, length),
  );
}
