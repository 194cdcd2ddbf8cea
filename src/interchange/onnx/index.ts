// Models as ONNX files, by their graphs.
export {
  type OnnxFile,
  type OnnxPart,
  type OnnxSource,
  type OnnxValue,
  onnxFile,
  onnxParts,
} from './file.ts';
