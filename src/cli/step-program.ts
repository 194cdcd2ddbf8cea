// The training step of a model folder, for commands that plan it or measure it.
import { familyOf } from '../models/index.ts';
import type { Program } from '../scheduler/index.ts';
import type { Given } from '../schema/index.ts';
import {
  describeRun,
  keyValues,
  makeOptimizer,
  runConfig,
  settleRun,
  totalSteps,
  trainerOf,
} from '../training/index.ts';
import type { LoadedModel } from '../training/model-folder.node.ts';
import { chooseBinarization } from '../training/traits.ts';

/** One training step of a model as it was trained, or by default. Needs neither its data nor a GPU. */
export function stepProgram({ config, model, record }: LoadedModel): Program {
  const family = familyOf(config.family);
  const before = record
    ? keyValues(family, record.config, 'training.json')
    : new Map<string, Given>();
  const values = settleRun(family, [before], config.data);
  const { training } = runConfig(family, config.data, values);
  const count = record?.data.count ?? 60000;
  const stepsPerEpoch = Math.max(1, Math.floor(count / training.batch));
  const { describes, grey } = model.can;
  const isGrey = !config.data.standardized && (describes !== undefined || grey !== undefined);
  const dataset = {
    name: 'data',
    source: '',
    count: Math.max(count, training.batch),
    shape: [...config.data.shape],
    // Described, not read: its rows are not there.
    ...(config.data.classNames && { labels: new Uint32Array(0) }),
    data: isGrey ? new Uint8Array(0) : new Float32Array(0),
  };
  const { effects } = describeRun({
    ...trainerOf(model, training, () =>
      makeOptimizer(training, stepsPerEpoch, totalSteps(training, stepsPerEpoch)),
    ),
    data: dataset,
    binarize: describes
      ? chooseBinarization(training.binarize ?? 'auto', describes, {
          ...dataset,
          // As if grey.
          data: Uint8Array.of(128),
        })
      : 'none',
  });
  return { effects };
}
