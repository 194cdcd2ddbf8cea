/**
 * The kernel test kit: WGSL run and compiled on Dawn, in headless browsers and in Deno, its results held
 * against a reference, its missing barriers found. For Node.js. Everything works without a test framework;
 * `latentgpu/testing/vitest` has the matcher for Vitest.
 *
 * @module latentgpu/testing
 */
export { isLatentGpuError, LatentGpuError } from '../errors.ts';
export { floatToHalf, halfToFloat } from '../formats/half.ts';
export { type Diagnostic, formatDiagnostic, type Shader } from './diagnostics.ts';
export {
  type CompileOptions,
  type HostKind,
  type HostOptions,
  type HostRequest,
  type KernelHost,
  readShader,
  type ShaderSource,
} from './host.ts';
export type { BindingValue, Layout, NumberArray, Unpacked } from './layout.ts';
export { openHost } from './open.ts';
export type { Bindings, KernelRequest, Outputs } from './prepare.ts';
export { findRaces, type Race } from './races.ts';
export {
  type Binding,
  type EntryPoint,
  type Override,
  reflect,
  type ShaderInfo,
} from './reflect.ts';
export type { SamplerValue, TextureData, TextureValue } from './textures.ts';
export {
  assertNear,
  type Comparison,
  compare,
  type Numbers,
  type Tolerance,
  ulpOf,
} from './tolerance.ts';
