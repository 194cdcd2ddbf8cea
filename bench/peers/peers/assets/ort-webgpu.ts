// ONNX Runtime with its WebGPU provider, and the address of its binary.

import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import * as ort from 'onnxruntime-web/webgpu';

ort.env.wasm.wasmPaths = { wasm };

export { ort };
