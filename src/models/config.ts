// The configuration that builds a model, from settled keys.
import { LatentGpuError } from '../errors.ts';
import { nest, type Values } from '../schema/index.ts';
import type { DataDescription } from './data-description.ts';
import { familyOf } from './families.ts';
import type { ModelConfig } from './family.ts';
import type { Model } from './model.ts';

/**
 * The model that settled values describe, for data points of the given shape.
 *
 * ```ts
 * const values = settleRun('vae', [], { shape: [28, 28] });
 * modelConfig('vae', { shape: [28, 28] }, values).family // "vae"
 * ```
 */
export function modelConfig(family: string, data: DataDescription, values: Values): ModelConfig {
  const { keys } = familyOf(family);
  const own = new Map([...values].filter(([name]) => Object.hasOwn(keys, name)));
  const { shape, name, standardized, ...rest } = data;
  return {
    family,
    data: {
      shape: [...shape],
      ...(name !== undefined && { name }),
      ...(standardized && { standardized }),
      ...rest,
    },
    ...nest(own),
  };
}

/**
 * The model's graph, with its parameters not yet given any memory.
 *
 * @param seed of what is random in its making: orders, rotations
 * @throws LatentGpuError `bad-config` for what does not fit together
 * @example buildModel(settledConfig({ family: 'vae', data: { shape: [28, 28] } })).features // 784
 */
export function buildModel(config: ModelConfig, seed = 0): Model {
  const family = familyOf(config.family);
  // Parts alone: which keys of a part there are hangs on its kind.
  const parts = (family.required ?? []).filter((key) => key.includes('.'));
  const missing = parts.find((key) => config[key.replace(/\..*/, '')] === undefined);
  if (missing) {
    throw new LatentGpuError(
      'bad-config',
      `'${missing}' is missing; settledConfig({ … }) gives a configuration what it leaves out`,
    );
  }
  // The family's own table has checked its keys, or its author's types have.
  return family.build(config as never, config.data, seed);
}
