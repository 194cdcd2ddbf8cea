// A window that goes over images with channels last, and the places it takes.
// @hook cell
// What is moved at once: a channel, or two or four where their number allows it.
alias Cell = f32;
// @end
const BATCH: u32 = 1u;
const HEIGHT: u32 = 4u;
const WIDTH: u32 = 4u;
// Cells of a pixel.
const CELLS: u32 = 1u;
// Cells of a patch: those of its taps, and what fills it up.
const ROW: u32 = 9u;
const OUT_HEIGHT: u32 = 4u;
const OUT_WIDTH: u32 = 4u;
const KERNEL_HEIGHT: u32 = 3u;
const KERNEL_WIDTH: u32 = 3u;
const STRIDE: u32 = 1u;
// Rows of zeros above the image, columns of zeros left of it.
const TOP: u32 = 1u;
const LEFT: u32 = 1u;

const TAPS: u32 = KERNEL_HEIGHT * KERNEL_WIDTH;
const PLACES: u32 = BATCH * OUT_HEIGHT * OUT_WIDTH;
const PIXELS: u32 = BATCH * HEIGHT * WIDTH;
