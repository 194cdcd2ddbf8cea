// Weights that tell which model of this library they are of, as its own programs for PyTorch write them.
import {
  buildModel,
  type Model,
  type ModelConfig,
  readModelJson,
  readWeights,
  type StoredWeights,
} from '../models/index.ts';
import { readWeightsFile } from './foreign-weights.ts';
import { isIndex } from './sharded.ts';

/** Where the header holds `model.json`. */
export const MODEL_KEY = 'latentgpu.model';

export interface OwnWeights extends StoredWeights {
  readonly config: ModelConfig;
  readonly model: Model;
}

/**
 * A model and its numbers.
 *
 * @returns undefined for a file that does not tell its model
 * @throws LatentGpuError `bad-format`, `bad-data` for tensors that do not fit the model that it tells
 */
export function ownWeights(bytes: Uint8Array, file: string): OwnWeights | undefined {
  if (isIndex(bytes)) return undefined;
  const description = readWeightsFile(bytes, file).metadata[MODEL_KEY];
  if (description === undefined) return undefined;
  const { config } = readModelJson(description, `${file}: ${MODEL_KEY}`);
  const model = buildModel(config);
  return { config, model, ...readWeights(model, bytes, file, config.data.standardized === true) };
}
