// Runs whose files are a function of the model and the step alone, so that a folder tells whether what
// it holds belongs together.
import {
  buildModel,
  type ModelConfig,
  type NetConfig,
  writeWeights,
} from '../../src/models/index.ts';
import { assignments, type Checkpoint, runConfig, settleRun } from '../../src/training/index.ts';
import { readRecord } from '../../src/training/model-folder.node.ts';
import type { TrainingRecord } from '../../src/training/record.ts';
import { RunFolder } from '../../src/training/run-folder.node.ts';

/** Two models of the same tensors: one's weights would fit the other's description. */
export type Which = 'a' | 'b';
const ACTIVATIONS = { a: 'relu', b: 'tanh' };

export function configOf(which: Which): ModelConfig {
  const small = `encoder.hidden=5 decoder.hidden=6 latent=2 encoder.activation=${ACTIVATIONS[which]}`;
  const values = settleRun('vae', [assignments('vae', small.split(' '))]);
  return runConfig('vae', { shape: [4, 3], name: 'test' }, values).model;
}

export const whichOf = (config: ModelConfig): Which =>
  (config.encoder as NetConfig).activation === ACTIVATIONS.a ? 'a' : 'b';

/** What the weights of a model are filled with at a step. */
export const fillOf = (which: Which, step: number) => step + (which === 'a' ? 0.25 : 0.5);

export function weightsOf(which: Which, step: number) {
  const model = buildModel(configOf(which));
  const filled = (size: number) => new Float32Array(size).fill(fillOf(which, step));
  return new Map(model.parameters().map((parameter) => [parameter, filled(parameter.size)]));
}

export function weightBytes(which: Which, step: number): Uint8Array {
  return writeWeights(weightsOf(which, step));
}

export function checkpointOf(which: Which, step: number): Checkpoint {
  // Large enough for a kill to come while it is written.
  const parameters = new Float32Array(20_000).fill(fillOf(which, step));
  const tensors = new Map([['parameters', parameters]]);
  return { state: { step, tensors }, best: undefined };
}

export function recordOf(which: Which): TrainingRecord {
  return {
    format: 2,
    family: 'vae',
    config: { model: which },
    data: { data: 'digits' },
  } as unknown as TrainingRecord;
}

/** One step of a run and its save, as training does them. */
export async function saveStep(run: RunFolder, which: Which, step: number): Promise<void> {
  await run.report({ step, model: which });
  await run.save(checkpointOf(which, step), configOf(which), weightsOf(which, step), '1.0.0');
}

/** Goes on with the run in a folder. @returns its model and its step */
export async function goOn(folder: string): Promise<{ which: Which; step: number }> {
  const record = (await readRecord(folder)) as TrainingRecord;
  const run = new RunFolder(folder);
  const { step } = (await run.readCheckpoint()).state;
  await run.goOn(record, step);
  return { which: (record.config as { model: Which }).model, step };
}
