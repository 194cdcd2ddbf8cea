// ONNX Runtime on the processor, and the address of its binary.
import * as ort from 'onnxruntime-web/wasm';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';

ort.env.wasm.wasmPaths = { wasm };
// Half of them by default.
ort.env.wasm.numThreads = navigator.hardwareConcurrency;

export { ort };
