// A window that goes over images with channels last, and the places it takes.
// @hook cell
// What is moved at once: a channel, or two or four where their number allows it.
alias Cell = f32;
// @end
const IMAGES: u32 = 1u;
const HEIGHT: u32 = 4u;
const WIDTH: u32 = 4u;
// Cells of a pixel.
const CELLS: u32 = 1u;
const OUT_HEIGHT: u32 = 4u;
const OUT_WIDTH: u32 = 4u;
const KERNEL_HEIGHT: u32 = 3u;
const KERNEL_WIDTH: u32 = 3u;
const STRIDE: u32 = 1u;
// Pixels from one tap to the next.
const DILATION: u32 = 1u;
// Rows of zeros above the image, columns of zeros left of it.
const TOP: u32 = 1u;
const LEFT: u32 = 1u;

const TAPS: u32 = KERNEL_HEIGHT * KERNEL_WIDTH;
const PLACES: u32 = IMAGES * OUT_HEIGHT * OUT_WIDTH;
const PIXELS: u32 = IMAGES * HEIGHT * WIDTH;
