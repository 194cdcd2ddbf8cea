// Model folders on disk, as commands find them.
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Standardization } from '../data/standardize.ts';
import { LatentGpuError } from '../errors.ts';
import type { Variable } from '../graph/variable.ts';
import {
  buildModel,
  MODEL_FILE,
  type Model,
  type ModelConfig,
  readModelJson,
  readWeights,
  WEIGHTS_FILE,
  type WeightValues,
} from '../models/index.ts';
import { readCommitted, readCommittedText } from './commit.node.ts';
import { parseRecord, type TrainingRecord } from './record.ts';
import { RECORD_FILE } from './run-files.ts';

export interface LoadedModel {
  readonly config: ModelConfig;
  readonly model: Model;
  readonly weights: Map<Variable, Float32Array>;
  /** What belongs to the model beside its parameters. */
  readonly buffers: Map<Variable, WeightValues>;
  /** Of a model that sees standardised data: from data units to its own, and back. */
  readonly standardization: Standardization | undefined;
  /** Keys and tensors that this version does not know, for a remark. */
  readonly extra: string[];
  /** Present if the model was trained here. */
  readonly record: TrainingRecord | undefined;
}

/** @throws LatentGpuError `bad-input` for what is no folder */
async function checkFolder(path: string): Promise<void> {
  const bad = (why: string) =>
    new LatentGpuError(
      'bad-input',
      `${why}; name a model folder, as \`latentgpu train\` leaves one`,
    );
  const found = await stat(path).catch(({ code }: NodeJS.ErrnoException) => {
    if (code === 'EACCES') throw bad(`there is no permission to look into ${dirname(path)}`);
    throw bad(`no such folder: ${path || "''"}`);
  });
  if (!found.isDirectory()) throw bad(`${path} is a file, not a folder`);
}

/**
 * Reads a model folder: `model.json`, `weights.safetensors` and, if it is there, `training.json`.
 *
 * ```ts
 * const { model, weights } = await readModelFolder('runs/vae');
 * giveWeights(runtime, weights);
 * const images = await openInference(runtime, model).sample(16);
 * ```
 *
 * @throws LatentGpuError `bad-input` if it is no model folder, `bad-format`, `bad-config` or `bad-data`
 *   if a file is faulty
 */
export async function readModelFolder(folder: string): Promise<LoadedModel> {
  await checkFolder(folder);
  const { description, bytes } = await readTogether(folder);
  if (description === undefined) {
    throw new LatentGpuError(
      'bad-input',
      `${folder} holds no ${MODEL_FILE}; name a model folder, as \`latentgpu train\` leaves one`,
    );
  }
  const { config, extra } = readModelJson(description, join(folder, MODEL_FILE));
  if (!bytes) {
    throw new LatentGpuError(
      'bad-input',
      `${folder} holds no ${WEIGHTS_FILE} beside ${MODEL_FILE}`,
    );
  }
  const model = buildModel(config);
  const weights = readWeights(
    model,
    bytes,
    join(folder, WEIGHTS_FILE),
    config.data.standardized === true,
  );
  return {
    config,
    model,
    weights: weights.values,
    buffers: weights.buffers,
    standardization: weights.standardization,
    extra: [
      ...extra.map((key) => `${MODEL_FILE}: ${key}`),
      ...weights.extra.map((key) => `${WEIGHTS_FILE}: ${key}`),
    ],
    record: await readRecord(folder),
  };
}

/** Weights and the description that goes with them, though a run may write to the folder meanwhile. */
async function readTogether(
  folder: string,
): Promise<{ description: string | undefined; bytes: Uint8Array | undefined }> {
  let description = await readCommittedText(folder, MODEL_FILE);
  for (;;) {
    const bytes = await readCommitted(folder, WEIGHTS_FILE);
    const now = await readCommittedText(folder, MODEL_FILE);
    if (now === description) return { description, bytes };
    // Another model has taken its place.
    description = now;
  }
}

/** `training.json`, if the folder has one. @throws LatentGpuError `bad-format`, `bad-config` */
export async function readRecord(folder: string): Promise<TrainingRecord | undefined> {
  const found = await readCommittedText(folder, RECORD_FILE);
  return found === undefined ? undefined : parseRecord(found, join(folder, RECORD_FILE));
}
