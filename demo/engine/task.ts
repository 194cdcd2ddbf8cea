// What is trained on what: the data, the model, and the step that improves it.
import { classNamesOf } from '../../src/data/dataset.ts';
import { logScale } from '../../src/data/standardize.ts';
import {
  assignments,
  type Binarization,
  buildModel,
  type DataDescription,
  type Decoding,
  type Device,
  initialOf,
  LatentGpuError,
  type Live,
  lastBias,
  live,
  type Model,
  type ModelConfig,
  modelJson,
  optim,
  outputBias,
  type RowSource,
  readWeights,
  rowSourceOf,
  runConfig,
  settleRun,
  Trainer,
  type TrainerState,
  type TrainingConfig,
  trainerOf,
  unpackParameters,
  type Vae,
  type Variable,
  writeWeights,
} from '../../src/index.ts';
import { chooseBinarization, traitsOf } from '../../src/training/traits.ts';
import type { Settings } from '../protocol.ts';
import { keysOf, type Recipe, recipeOf } from '../recipes.ts';
import type { DataSplit } from './data.ts';

export interface LoadedModel {
  readonly config: ModelConfig;
  readonly weights: Uint8Array;
}

/** What a step reports, in nats a data point. */
export interface Terms {
  readonly loss: number;
  /** Where the loss is the sum of the two. */
  readonly reconstruction: number | undefined;
  readonly kl: number;
}

export class Task {
  readonly data: DataSplit;
  readonly model: Model;
  readonly trainer: Trainer;
  private readonly config: ModelConfig;
  private readonly binarization: Binarization;
  private readonly asked: Settings;
  private readonly rates: Rates;

  private constructor(
    data: DataSplit,
    { config, model, binarization }: Planned,
    trainer: Trainer,
    asked: Settings,
    rates: Rates,
  ) {
    this.data = data;
    this.config = config;
    this.model = model;
    this.binarization = binarization;
    this.trainer = trainer;
    this.asked = asked;
    this.rates = rates;
  }

  static async open(
    asked: Settings,
    data: DataSplit,
    loaded: LoadedModel | undefined,
  ): Promise<Task> {
    const { train } = data;
    const settings = { ...asked, batch: Math.min(asked.batch, train.count) };
    const planned = planOf(settings, data, loaded);
    const { model, training, binarization } = planned;
    const recipe: Recipe = recipeOf(settings.family);
    const rates = { rate: live('rate', settings.rate), beta: betaOf(model, recipe, settings) };
    const trainer = await Trainer.create({
      ...trainerOf(model, training, () => optim.adam({ lr: () => rates.rate.tensor })),
      ...rates.beta?.loss,
      data: train,
      binarize: binarization,
      initial: loaded
        ? readWeights(model, loaded.weights).values
        : startOf(planned, data, settings.seed),
    });
    return new Task(data, planned, trainer, settings, rates);
  }

  get settings(): Settings {
    const { rate, beta } = this.rates;
    return { ...this.asked, rate: rate.value, ...(beta && { beta: beta.live.value }) };
  }

  /** A slider acts at once, without another compilation, and on a device that is yet to come. */
  async tune(rate: number, beta: number): Promise<void> {
    await this.trainer.set(this.rates.rate, rate);
    if (this.rates.beta) await this.trainer.set(this.rates.beta.live, beta);
  }

  /** Devices lost and replaced so far. */
  get recoveries(): number {
    return this.trainer.recoveries;
  }

  get device(): Device {
    return this.trainer.runtime.device;
  }

  /** Rows that the model has not seen, as it is asked about them. */
  get heldOut(): RowSource {
    return rowSourceOf(this.data.heldOut, this.binarization, 1);
  }

  /** What standardising adds to -log p(x), in nats. */
  get logScale(): number {
    return logScale(this.data.standardization);
  }

  /** What a step told of the bound. */
  termsOf({ loss = 0, kl = 0 }: Readonly<Record<string, number>>): Terms {
    const { bound = 'elbo' } = (this.config.objective ?? {}) as { readonly bound?: string };
    const weight = this.rates.beta?.live.value ?? 1;
    return { loss, kl, reconstruction: bound === 'elbo' ? loss - weight * kl : undefined };
  }

  /** The files of a state of the model. */
  files({ tensors }: TrainerState): { name: string; bytes: Uint8Array<ArrayBuffer> }[] {
    const flat = tensors.get('parameters') as Float32Array;
    const { config, rates, data } = this;
    const now = rates.beta && {
      objective: { ...(config.objective as object), beta: rates.beta.live.value },
    };
    const json = modelJson({ ...config, ...now });
    const weights = writeWeights(unpackParameters(this.model, flat), data.standardization);
    return [
      { name: 'model.json', bytes: new TextEncoder().encode(json) },
      { name: 'weights.safetensors', bytes: weights as Uint8Array<ArrayBuffer> },
    ];
  }
}

interface Rates {
  readonly rate: Live;
  readonly beta: ReturnType<typeof betaOf>;
}

/** A model, and how the library would train it. */
interface Planned {
  readonly config: ModelConfig;
  readonly training: TrainingConfig;
  readonly model: Model;
  readonly binarization: Binarization;
}

/** @throws LatentGpuError `bad-config` for settings that do not go with the data */
function planOf(
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
  const described: DataDescription = {
    shape,
    name,
    standardized: standardization !== undefined,
    ...(train.columns && { columns: train.columns }),
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
function checkLoaded({ data }: ModelConfig, { shape, classNames = [] }: DataDescription): void {
  const refuse = (theirs: string, here: string) => {
    throw new LatentGpuError(
      'bad-input',
      `the saved model is for ${theirs} and the data here are ${here}; drop the data it was trained on first`,
    );
  };
  if (data.shape.join() !== shape.join()) refuse(`images of [${data.shape}]`, `[${shape}]`);
  const known = data.classNames ?? [];
  if (known.join() !== classNames.join()) {
    refuse(`${known.length} classes`, `of ${classNames.length}`);
  }
}

/** A weight of the divergence that a slider may move, and the loss that reads it. */
function betaOf(model: Model, { hasBeta }: Recipe, { beta }: Settings) {
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
function startOf(
  { model, binarization }: Planned,
  { train }: DataSplit,
  seed: number,
): ReadonlyMap<Variable, Float32Array> {
  const found = new Map(initialOf(model, train, binarization, seed));
  const decoding = model as Model & Decoding;
  if (lastBias(decoding.decoder)) found.set(...outputBias(decoding, train, binarization));
  return found;
}
