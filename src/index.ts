/**
 * latentgpu: deep generative models on WebGPU compute shaders.
 *
 * Tensors, layers, distributions and optimizers only describe; `Runtime.compile` turns what they
 * describe into a plan; a plan runs on the GPU without the host.
 *
 * @module latentgpu
 */
export * from './data/index.ts';
export { type AdapterReport, Device, type OpenOptions, openDevice } from './device/index.ts';
export * as distributions from './distributions/index.ts';
export { type ErrorCode, isLatentGpuError, LatentGpuError } from './errors.ts';
export * as flows from './flows/index.ts';
export * as formats from './formats/index.ts';
export { formatJson } from './formats/json.ts';
export { Live, live } from './graph/live.ts';
export { named, Tensor } from './graph/tensor.ts';
export { input, Variable, variable } from './graph/variable.ts';
export * from './models/index.ts';
export type { Batch } from './nn/index.ts';
export * as nn from './nn/index.ts';
export * as objectives from './objectives/index.ts';
export * as ops from './ops/index.ts';
export * as optim from './optim/index.ts';
export * as pictures from './pictures/index.ts';
export { type Leg, LegPlans, type Plan, Runtime, schedule } from './scheduler/index.ts';
export type { ConfigOf, Key, Schema, Value } from './schema/index.ts';
export * from './training/index.ts';
export {
  type Measured,
  newTuner,
  setDefaultTune,
  type TuneMode,
  type TuneOptions,
  Tuner,
  type TuningMemory,
} from './tuning/index.ts';
