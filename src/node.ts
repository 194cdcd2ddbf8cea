/**
 * What `latentgpu` has in Node.js and in Deno beside everything it has in a page: data sets by name or path, model
 * folders and what a run writes into them, models from and to other programs.
 *
 * @module latentgpu in Node.js
 */
export { type DataSpec, loadData } from './data/load.node.ts';
export { type LoadMnistOptions, loadMnist } from './data/mnist.node.ts';
export { writeFileAtomic } from './formats/atomic.node.ts';
export * from './index.ts';
export {
  type OnnxFile,
  type OnnxGraphOptions,
  type OnnxPart,
  type OnnxSource,
  type OnnxValue,
  onnxFile,
  onnxGraph,
  onnxParts,
} from './interchange/onnx/index.ts';
export {
  type Imported,
  type ImportRequest,
  importStateDict,
} from './interchange/state-dict.ts';
export { holdingFolder } from './training/lock.node.ts';
export { type LoadedModel, readModelFolder } from './training/model-folder.node.ts';
export { RunFolder } from './training/run-folder.node.ts';
