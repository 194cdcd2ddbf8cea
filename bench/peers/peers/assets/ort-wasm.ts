// ONNX Runtime on the processor, and the address of its binary.

import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import * as ort from 'onnxruntime-web/wasm';

ort.env.wasm.wasmPaths = { wasm };
// Half of them by default.
ort.env.wasm.numThreads = navigator.hardwareConcurrency;

export { ort };
