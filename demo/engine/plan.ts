// What the library makes of the page's settings: a model, its training, its start.
import { classNamesOf } from '../../src/data/dataset.ts';
import { missingText } from '../../src/data/missing.ts';
import {
  assignments,
  type Binarization,
  buildModel,
  type DataDescription,
  type Decoding,
  initialOf,
  LatentGpuError,
  lastBias,
  type Model,
  type ModelConfig,
  outputBias,
  runConfig,
  settleRun,
  type TrainingConfig,
  type Vae,
  type Variable,
} from '../../src/index.ts';
import { familyOf } from '../../src/models/index.ts';
import { chooseBinarization, traitsOf } from '../../src/training/traits.ts';
import type { Settings } from '../protocol.ts';
import { keysOf, type Recipe, recipeOf } from '../recipes.ts';
import type { DataSplit } from './data.ts';

export interface LoadedModel {
  readonly config: ModelConfig;
  readonly weights: Uint8Array;
}

/** A model, and how the library would train it. */
export interface Planned {
  readonly config: ModelConfig;
  readonly training: TrainingConfig;
  readonly model: Model;
  readonly binarization: Binarization;
}

/** @throws LatentGpuError `bad-config` for settings that do not go with the data */
export function planOf(
  settings: Settings,
  { train, standardization }: DataSplit,
  loaded: LoadedModel | undefined,
): Planned {
  const { family } = recipeOf(settings.family);
  const { shape, name, labels } = train;
  const isTold = family === 'cvae';
  if (isTold && !labels) {
    throw new LatentGpuError(
      'bad-config',
      `a conditional model is told the class of each row, and these have none: choose another family first, or drop labels as well.`,
    );
  }
  if (settings.family === 'conv' && shape.length === 1) {
    throw new LatentGpuError(
      'bad-config',
      'convolutions look at pixels and their neighbours, and these data are no images: choose another family first.',
    );
  }
  if (train.mask && !familyOf(family).takesMissing) {
    throw new LatentGpuError(
      'bad-config',
      `${name} has empty cells (${missingText(train)[0]}), and ${family} takes rows without any: choose another family first, or fill them in.`,
    );
  }
  const described: DataDescription = {
    shape,
    name,
    standardized: standardization !== undefined,
    ...(train.columns && { columns: train.columns }),
    ...(train.categories && { categories: train.categories }),
    ...(isTold && { classNames: classNamesOf(train) }),
  };
  const given = assignments(family, keysOf(settings), 'this page');
  const values = settleRun(family, [given], { ...traitsOf(train), rows: train.count });
  const { model: config, training } = runConfig(family, described, values);
  if (loaded) checkLoaded(loaded.config, described);
  const used = loaded?.config ?? config;
  const model = buildModel(used, settings.seed);
  const { describes } = model.can;
  const binarization = describes ? chooseBinarization('auto', describes, train) : 'none';
  return { config: used, training, model, binarization };
}

/** @throws LatentGpuError `bad-input` for a model of other data */
function checkLoaded({ data }: ModelConfig, here: DataDescription): void {
  const { shape, classNames = [] } = here;
  const refuse = (theirs: string, ours: string) => {
    throw new LatentGpuError(
      'bad-input',
      `the saved model is for ${theirs} and the data here are ${ours}; drop the data it was trained on first`,
    );
  };
  if (data.shape.join() !== shape.join()) refuse(`data of [${data.shape}]`, `[${shape}]`);
  const known = data.classNames ?? [];
  if (known.join() !== classNames.join()) {
    refuse(`${known.length} classes`, `of ${classNames.length}`);
  }
  const [theirs, ours] = [namesOf(data), namesOf(here)];
  const other = theirs.findIndex((name, i) => name !== (ours[i] ?? name));
  if (other >= 0) refuse(`a table with ${theirs[other]}`, `with ${ours[other]}`);
  if (data.standardized && !here.standardized) {
    throw new LatentGpuError(
      'bad-input',
      'the saved model was trained on standardised data, and the data here are as they are; train it on in the terminal',
    );
  }
}

/** Features of a table, and words. */
const namesOf = ({ columns = [], categories = [] }: DataDescription): string[] => [
  ...columns,
  ...categories.flatMap(({ column, levels }) => levels.map((word) => `${column}=${word}`)),
];

/** A weight of the divergence that a slider may move, and the loss that reads it. */
export function betaOf(model: Model, { hasBeta }: Recipe, { beta }: Settings) {
  if (!hasBeta) return undefined;
  const vae = model as Vae;
  const objective = vae.objectiveOf({ ...vae.config.objective, beta }, true);
  const found = objective.live['objective.beta'];
  if (!found) throw new Error('a weight that may change is a live number');
  return {
    live: found,
    loss: { loss: (batch: Parameters<typeof objective.lossOf>[1]) => objective.lossOf(vae, batch) },
  };
}

/** What the model finds in the data, and a decoder that begins at their mean. */
export function startOf(
  { model, binarization }: Planned,
  { train }: DataSplit,
  seed: number,
): ReadonlyMap<Variable, Float32Array> {
  const found = new Map(initialOf(model, train, binarization, seed));
  const decoding = model as Model & Decoding;
  // Numbers of a table are standardised, and words have no mean.
  const hasMeans = !train.categories && lastBias(decoding.decoder);
  if (hasMeans) found.set(...outputBias(decoding, train, binarization));
  return found;
}
