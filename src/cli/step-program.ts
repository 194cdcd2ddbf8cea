// The training step of a model folder, for commands that plan it or measure it.
import { isFlowConfig } from '../models/index.ts';
import type { Program } from '../scheduler/index.ts';
import { flatten, type Given } from '../schema/index.ts';
import {
  type Binarization,
  describeStep,
  lossOf,
  makeOptimizer,
  RUN_KEYS,
  runConfig,
  settleRun,
  startOf,
  totalSteps,
} from '../training/index.ts';
import type { LoadedModel } from '../training/model-folder.node.ts';
import { chooseBinarization } from './data/traits.ts';

/** One training step of a model as it was trained, or by default. Needs neither its data nor a GPU. */
export function stepProgram({ config, model, record }: LoadedModel): Program {
  const before = record
    ? flatten(RUN_KEYS, record.config, 'training.json')
    : new Map<string, Given>();
  const { training } = runConfig(
    config.family,
    config.data,
    settleRun(config.family, [before], config.data),
  );
  const count = record?.data.count ?? 60000;
  const stepsPerEpoch = Math.max(1, Math.floor(count / training.batch));
  const { clipNorm, ema } = training;
  const dataset = {
    name: 'data',
    source: '',
    count: Math.max(count, training.batch),
    shape: [...config.data.shape],
    // Described, not read: its rows are not there.
    data:
      config.data.standardized || (isFlowConfig(config) && config.dequantize === 'none')
        ? new Float32Array(0)
        : new Uint8Array(0),
  };
  const binarize: Binarization = isFlowConfig(config)
    ? 'none'
    : chooseBinarization(
        training.binarize ?? 'auto',
        config.likelihood,
        // As if grey.
        { ...dataset, data: Uint8Array.of(128) },
      );
  const { effects } = describeStep({
    model,
    loss: lossOf(model),
    ...startOf(model),
    data: dataset,
    batch: training.batch,
    binarize,
    optimizer: makeOptimizer(training, stepsPerEpoch, totalSteps(training, stepsPerEpoch)),
    ...(clipNorm !== null && { clipNorm }),
    ...(ema !== null && { ema }),
  });
  return { effects };
}
