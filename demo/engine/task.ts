// What is trained on what: the data, the model, and the step that improves it.
import {
  buildModel,
  type Device,
  digits,
  type ImageDataset,
  type LatentConfig,
  LatentGpuError,
  type Live,
  live,
  modelJson,
  objectives,
  ops,
  optim,
  outputBias,
  readWeights,
  Trainer,
  type TrainerState,
  unpackParameters,
  type Vae,
  writeWeights,
} from '../../src/index.ts';
import type { Settings } from '../protocol.ts';
import type { DataSplit } from './files.ts';

export interface LoadedModel {
  readonly config: LatentConfig;
  readonly weights: Uint8Array;
}

const BUILT_IN = { train: 6000, heldOut: 600 };

export function builtInDigits(): DataSplit {
  return {
    train: digits({ count: BUILT_IN.train }),
    heldOut: digits({ count: BUILT_IN.heldOut, split: 'test' }),
  };
}

export class Task {
  readonly data: DataSplit;
  readonly model: Vae;
  readonly trainer: Trainer;
  private readonly config: LatentConfig;
  private readonly asked: Settings;
  private readonly rates: Rates;

  private constructor(
    data: DataSplit,
    config: LatentConfig,
    model: Vae,
    trainer: Trainer,
    asked: Settings,
    rates: Rates,
  ) {
    this.data = data;
    this.config = config;
    this.model = model;
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
    const config = loaded?.config ?? vaeConfig(settings, train);
    const model = buildModel(config) as Vae;
    const isBernoulli = config.likelihood.kind === 'bernoulli';
    const initial = loaded
      ? readWeights(model, loaded.weights).values
      : new Map([outputBias(model, train, 'resampled')]);
    const rates = { rate: live('rate', settings.rate), beta: live('beta', settings.beta) };
    const trainer = await Trainer.create({
      model,
      data: train,
      batch: settings.batch,
      binarize: isBernoulli ? 'resampled' : 'none',
      seed: settings.seed,
      optimizer: optim.adam({ lr: () => rates.rate.tensor }),
      initial,
      loss: (batch) => {
        const { bound, reconstruction, kl } = objectives.elbo(model, batch, {
          beta: rates.beta.tensor,
        });
        return {
          loss: ops.neg(ops.mean(bound)),
          metrics: { reconstruction: ops.neg(ops.mean(reconstruction)), kl: ops.mean(kl) },
        };
      },
    });
    return new Task(data, config, model, trainer, settings, rates);
  }

  get settings(): Settings {
    const { rate, beta } = this.rates;
    return { ...this.asked, rate: rate.value, beta: beta.value };
  }

  /** A slider acts at once, without another compilation, and on a device that is yet to come. */
  async tune(rate: number, beta: number): Promise<void> {
    await this.trainer.set(this.rates.rate, rate);
    await this.trainer.set(this.rates.beta, beta);
  }

  /** Devices lost and replaced so far. */
  get recoveries(): number {
    return this.trainer.recoveries;
  }

  get device(): Device {
    return this.trainer.runtime.device;
  }

  /** The files of a state of the model. */
  files({ tensors }: TrainerState): { name: string; bytes: Uint8Array<ArrayBuffer> }[] {
    const flat = tensors.get('parameters') as Float32Array;
    const { beta } = this.settings;
    const objective = { kind: 'elbo', samples: 1, kl: 'analytic', beta } as const;
    const json = modelJson({ ...this.config, objective });
    const weights = writeWeights(unpackParameters(this.model, flat));
    return [
      { name: 'model.json', bytes: new TextEncoder().encode(json) },
      { name: 'weights.safetensors', bytes: weights as Uint8Array<ArrayBuffer> },
    ];
  }
}

interface Rates {
  readonly rate: Live;
  readonly beta: Live;
}

function vaeConfig(settings: Settings, { name, shape }: ImageDataset): LatentConfig {
  const { hidden, latent, beta } = settings;
  return {
    family: 'vae',
    data: { shape, name },
    encoder: { hidden: [...hidden], activation: 'relu' },
    latent,
    decoder: { hidden: [...hidden].reverse(), activation: 'relu' },
    likelihood: { kind: 'bernoulli' },
    objective: { kind: 'elbo', samples: 1, kl: 'analytic', beta },
    init: 'torch',
  };
}

/** @throws LatentGpuError `bad-input` if this page cannot show the model, or lacks data for it */
export function checkLoadable(config: LatentConfig, current: ImageDataset): void {
  const { family, data, posterior, prior } = config;
  if (posterior || prior) {
    throw new LatentGpuError(
      'bad-input',
      'this page trains models with a normal posterior and prior, and the saved one has a flow; train it on in the terminal',
    );
  }
  if (family !== 'vae') {
    throw new LatentGpuError(
      'bad-input',
      `this page trains models of family vae, and the saved one is of family ${family}`,
    );
  }
  if (data.standardized) {
    throw new LatentGpuError(
      'bad-input',
      'the saved model was trained on standardised data, and this page does not standardise; ' +
        'train it on in the terminal',
    );
  }
  if (data.shape.join() !== current.shape.join()) {
    throw new LatentGpuError(
      'bad-input',
      `the saved model is for images of [${data.shape}] and the data here are [${current.shape}]; ` +
        'drop the data it was trained on first',
    );
  }
}
