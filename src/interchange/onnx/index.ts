// Models as ONNX files, by their graphs.
export { type OnnxFile, onnxFile, onnxParts } from './file.ts';
export { type OnnxGraphOptions, onnxGraph } from './graph-file.ts';
export type { OnnxPart, OnnxSource, OnnxValue } from './source.ts';
