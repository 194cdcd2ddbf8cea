// A model's numbers, parameters and what it has beside them: out of a run's state, onto a device.
import { keepAsHalf, type Variable } from '../graph/variable.ts';
import type { Module } from '../nn/index.ts';
import type { Runtime } from '../scheduler/index.ts';

/** A tensor's values. */
export type WeightValues = Float32Array | Uint32Array;

/**
 * Parameters by name, out of the flat vector that a trainer keeps them in.
 *
 * @example giveWeights(runtime, unpackParameters(model, await trainer.keptParameters()));
 */
export function unpackParameters(model: Module, flat: Float32Array): Map<Variable, Float32Array> {
  return new Map(
    model.parameters().map((parameter) => {
      const offset = parameter.parent?.offset as number;
      return [parameter, flat.subarray(offset, offset + parameter.size)];
    }),
  );
}

/**
 * What a model has beside its parameters, out of the tensors of a run's state.
 *
 * ```ts
 * const { tensors } = await trainer.currentState();
 * giveWeights(runtime, unpackBuffers(model, tensors));
 * ```
 */
export function unpackBuffers(
  model: Module,
  tensors: ReadonlyMap<string, WeightValues>,
): Map<Variable, WeightValues> {
  return new Map(
    model
      .namedBuffers()
      .map(([path, held]) => [held, tensors.get(`buffer.${path}`) as WeightValues]),
  );
}

/** How parameters are kept in memory; kernels compute in float32 either way. */
export type Precision = 'f32' | 'f16';

/**
 * Puts parameters, or buffers, into the memory of a device.
 *
 * ```ts
 * const { model, weights } = await readModelFolder('runs/vae');
 * giveWeights(runtime, weights);
 * ```
 *
 * @param precision `f16` rounds parameters to float16: half the memory, for inference alone. To be
 *   asked for before the model is used.
 * @throws LatentGpuError `bad-data` for a weight beyond float16's range, `bad-config` for a model that
 *   is in use or being trained
 */
export function giveWeights(
  runtime: Runtime,
  values: ReadonlyMap<Variable, WeightValues>,
  precision: Precision = 'f32',
): void {
  for (const [parameter, data] of values) {
    if (precision === 'f16' && parameter.role === 'parameter') keepAsHalf(parameter);
    runtime.write(parameter, data);
  }
}
