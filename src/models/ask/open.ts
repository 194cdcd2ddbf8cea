// A model put to work: by its graphs, or by the passes of its bijection, which may take a step a coordinate.
import type { Runtime } from '../../scheduler/index.ts';
import type { Model } from '../model.ts';
import { AncestralInference } from './ancestral.ts';
import { FlowInference } from './flow-inference.ts';
import { Inference } from './inference.ts';
import type { Asked, InferenceOptions } from './interface.ts';

/**
 * Puts a model to work: its codes, reconstructions and draws, in the same words for every family.
 *
 * ```ts
 * const asked = openInference(runtime, model);
 * const images = await asked.sample(64);
 * ```
 *
 * @param options of what is drawn by its graphs, not place after place
 */
export function openInference(
  runtime: Runtime,
  model: Model,
  options: InferenceOptions = {},
): Asked {
  const { bijection, ancestral } = model.can;
  if (bijection) return new FlowInference(runtime, model, options);
  return ancestral
    ? new AncestralInference(runtime, model)
    : new Inference(runtime, model, options);
}
