// Data sets: built in, or read from bytes.
export { checkDataset, type ImageDataset, imageSize, type ValueRange } from './dataset.ts';
export { digits } from './digits.ts';
export {
  MNIST_FILES,
  type MnistSplit,
  type MnistVariant,
  mnistDataset,
  openMnistFile,
} from './mnist.ts';
export { datasetOf, type OwnDataOptions } from './own.ts';
export { select, split, take } from './parts.ts';
export { PLANE_DATA, type PlaneOptions, plane } from './plane.ts';
export {
  logScale,
  type Standardization,
  standardizationOf,
  standardize,
  toOriginal,
} from './standardize.ts';
