// What is trained on what: the data, the model, and the step that improves it.
import { missingText } from '../../src/data/missing.ts';
import { logScales, meanScale } from '../../src/data/standardize.ts';
import {
  type Binarization,
  type Device,
  type Live,
  live,
  type Model,
  type ModelConfig,
  modelJson,
  optim,
  type RowSource,
  readWeights,
  rowSourceOf,
  Trainer,
  type TrainerState,
  trainerOf,
  unpackParameters,
  writeWeights,
} from '../../src/index.ts';
import type { OwnFile, Ready, Settings } from '../protocol.ts';
import { type Recipe, recipeOf } from '../recipes.ts';
import { type DataSplit, inUnitsOf } from './data.ts';
import { betaOf, type LoadedModel, type Planned, planOf, startOf } from './plan.ts';
import { TableRows } from './table-rows.ts';

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
  /** How rows of a table of the visitor's are written. */
  readonly table: TableRows | undefined;
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
    const isTable = asked.data === 'own' && data.train.shape.length === 1;
    this.table = isTable ? new TableRows(data) : undefined;
  }

  static async open(
    asked: Settings,
    found: DataSplit,
    loaded: LoadedModel | undefined,
  ): Promise<Task> {
    const settings = { ...asked, batch: Math.min(asked.batch, found.train.count) };
    const planned = planOf(settings, found, loaded);
    const { model, training, binarization, config } = planned;
    const { standardized } = config.data;
    const stored = loaded && readWeights(model, loaded.weights, undefined, standardized);
    const data = inUnitsOf(found, stored?.standardization);
    const recipe: Recipe = recipeOf(settings.family);
    const rates = { rate: live('rate', settings.rate), beta: betaOf(model, recipe, settings) };
    const trainer = await Trainer.create({
      ...trainerOf(model, training, () => optim.adam({ lr: () => rates.rate.tensor })),
      ...rates.beta?.loss,
      data: data.train,
      binarize: binarization,
      initial: stored ? stored.values : startOf(planned, data, settings.seed),
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

  /** What standardising adds to -log p(x) of the first held-out rows, of what is seen of them: in nats a row. */
  logScaleOf(rows: number): number {
    const { standardization, heldOut } = this.data;
    return meanScale(logScales(standardization, heldOut), rows);
  }

  /** What a step told of the bound. */
  termsOf({ loss = 0, kl = 0 }: Readonly<Record<string, number>>): Terms {
    const { bound = 'elbo' } = (this.config.objective ?? {}) as { readonly bound?: string };
    const weight = this.rates.beta?.live.value ?? 1;
    return { loss, kl, reconstruction: bound === 'elbo' ? loss - weight * kl : undefined };
  }

  /**
   * @param turn of the wish that it answers
   * @param files where the data came from, if they are the visitor's
   */
  ready(turn: number, files: readonly OwnFile[] | undefined): Ready {
    const { model, settings, table } = this;
    const { train, heldOut } = this.data;
    const { name, count, shape, categories } = train;
    const { condition, code } = model.can;
    return {
      type: 'ready',
      data: {
        ...{ name, count, heldOut: heldOut.count, shape, files, categories },
        missing: missingText(train)[0],
        table: table && {
          ...{ headings: table.headings, digits: table.digits, columns: table.columns },
        },
      },
      classes: condition?.classes,
      isStandard: code?.isStandard ?? true,
      settings,
      turn,
      parameters: model.parameterCount(),
    };
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
