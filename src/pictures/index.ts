// Pictures of data: grids, pairs, scatter plots, PNG.
export { principalComponents } from './components.ts';
export { gridPicture } from './deformed-grid.ts';
export { densityPicture } from './density.ts';
export { type GridOptions, grid, pairs } from './grid.ts';
export { type Frame, frameOf } from './plot.ts';
export { encodePng, type Picture } from './png.ts';
export { type ScatterOptions, scatter } from './scatter.ts';
