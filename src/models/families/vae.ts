// The variational autoencoder and its importance-weighted sibling.
// Kingma and Welling 2014; Burda, Grosse and Salakhutdinov 2016; the lectures' network is
// D → 300 ReLU → 2M (mean and log standard deviation), M → 300 ReLU → D.
import type { Density, Distribution } from '../../distributions/index.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Batch, type LinearInit, Module } from '../../nn/index.ts';
import {
  type LatentModel,
  OBJECTIVE_KEYS,
  Objective,
  type ObjectiveConfig,
  type ObjectiveTerms,
  type Posterior,
} from '../../objectives/index.ts';
import { concat, expand, unsqueeze } from '../../ops/index.ts';
import { type Followed, RowTable } from '../../optim/index.ts';
import type { Schema, Value } from '../../schema/index.ts';
import type { Abilities, Told } from '../abilities.ts';
import { CODE_KEYS, type CodeConfig, codeSize, NORMAL_CODE } from '../codes.ts';
import { Columns } from '../columns.ts';
import type { DataDescription } from '../data-description.ts';
import type { Family } from '../family.ts';
import type { GradientLearner } from '../learner.ts';
import {
  LIKELIHOOD_KEYS,
  type Likelihood,
  type LikelihoodConfig,
  makeLikelihood,
} from '../likelihoods/index.ts';
import type { Model } from '../model.ts';
import { makeDecoder, makeEncoder, type Net, type NetConfig, through } from '../nets/index.ts';
import { ORDERED_KEYS, type OrderedConfig, type OrderedDecoder } from '../nets/ordered.ts';
import { PixelDecoder } from '../nets/pixel-decoder.ts';
import { StepDecoder } from '../nets/step-decoder.ts';
import {
  FreePart,
  makePosterior,
  POSTERIOR_KEYS,
  type PosteriorConfig,
  type PosteriorPart,
} from '../posteriors/index.ts';
import { makePrior, PRIOR_KEYS, type PriorConfig, type PriorPart } from '../priors/index.ts';
import {
  codedPortrait,
  DECODED_RUN_KEYS,
  INIT_KEYS,
  NET_KEYS,
  REQUIRED,
  WEIGHED_RUN_KEYS,
} from './coded.ts';
import { vaeAbilities } from './vae-abilities.ts';

export interface VaeConfig {
  /** Extents of one data point, e.g. `[28, 28]`. */
  readonly shape: readonly number[];
  /** Whether data points are series, [steps] or [steps, channels]. */
  readonly isSequence?: boolean | undefined;
  readonly encoder: NetConfig;
  /** Of a categorical code, it follows from its groups and classes. */
  readonly latent?: number | undefined;
  readonly decoder: NetConfig & OrderedConfig;
  readonly likelihood: LikelihoodConfig;
  /** What is left out is as in the table of keys. */
  readonly objective?: Partial<ObjectiveConfig> | undefined;
  readonly init: LinearInit;
  /** Default: real numbers. */
  readonly code?: CodeConfig | undefined;
  /** Default: independent normals. */
  readonly posterior?: PosteriorConfig | undefined;
  /** Default: N(0, I), or every value of a discrete code alike. */
  readonly prior?: PriorConfig | undefined;
  /** Names of the classes that all is conditional on: then it is told each row's. */
  readonly classNames?: readonly string[] | undefined;
  /** Columns that all is conditional on, by their places in a row. */
  readonly condition?: readonly number[] | null | undefined;
}

/**
 * The family `vae`: codes [B, M] of rows [B, D], with q(z | x), p(x | z), p(z) and an objective.
 *
 * ```ts
 * const net = { hidden: [300], activation: 'relu' } as const;
 * const sizes = { shape: [28, 28], latent: 2, encoder: net, decoder: net, init: 'torch' } as const;
 * const vae = new Vae({ ...sizes, likelihood: { kind: 'bernoulli' }, objective: { beta: 0.5 } });
 * vae.posterior({ x: ops.zeros([3, 784]) }).mean.shape // [3, 2]
 * ```
 */
export class Vae extends Module implements Model, LatentModel {
  /** Of a model with a posterior of its own for each row there is none. */
  readonly encoder: Net | undefined;
  readonly decoder: Net;
  readonly likelihood: Likelihood;
  /** Describes pixels or steps by those before them too, with what the decoder makes of a code. */
  readonly ordered: OrderedDecoder | undefined;
  readonly objective: Objective;
  readonly config: VaeConfig;
  readonly features: number;
  /** Numbers of a code, M. */
  readonly latent: number;
  readonly posteriorPart: PosteriorPart;
  readonly priorPart: PriorPart;
  /** Of a model that is told some columns of a row and describes the others. */
  readonly columns: Columns | undefined;
  private readonly table: RowTable | undefined;

  /** @param seed of the rotations that a prior's flow starts from */
  constructor(config: VaeConfig, seed = 0) {
    super();
    this.config = config;
    const { encoder, decoder, init, code = NORMAL_CODE, classNames } = config;
    const classes = classNames?.length;
    const posterior = config.posterior ?? { kind: 'normal' };
    const prior = config.prior ?? { kind: code.kind === 'normal' ? 'normal' : 'uniform' };
    this.features = config.shape.reduce((a, b) => a * b, 1);
    this.latent = codeSize(code, config.latent);
    this.columns = columnsOf(config, this.features);
    this.likelihood = makeLikelihood(config.likelihood);
    this.posteriorPart = makePosterior(posterior, code, this.latent);
    this.priorPart = makePrior(prior, {
      code,
      latent: this.latent,
      features: this.features,
      seed,
      posteriorOf: classNames
        ? 'prior.kind is vamp, whose pseudo-inputs are of no class; take normal, mixture or realnvp'
        : posterior.kind === 'normal'
          ? (x) => this.posterior({ x })
          : `prior.kind is vamp, which mixes independent normals, and posterior.kind is ${posterior.kind}; set posterior.kind=normal`,
    });
    const { width } = this.posteriorPart;
    const ends = { shape: config.shape, code: this.latent, init, classes };
    if (this.posteriorPart instanceof FreePart) {
      this.table = new RowTable({ rows: this.posteriorPart.rows, width });
    } else {
      this.encoder = makeEncoder(encoder, { ...ends, code: width });
    }
    const { receptive = null } = decoder;
    const Ordered = config.isSequence ? StepDecoder : PixelDecoder;
    this.ordered =
      receptive === null
        ? undefined
        : new Ordered(receptive, decoder, config.shape, this.likelihood);
    const { outputsPerFeature } = this.likelihood;
    // Maps lie as classes do: those of a pixel together.
    const described = this.ordered
      ? { kind: 'categorical', outputsPerFeature: this.ordered.maps }
      : { ...config.likelihood, outputsPerFeature };
    const { columns } = this;
    const decoded = columns && {
      shape: [columns.described.length],
      code: this.latent + columns.given.length,
    };
    this.decoder = makeDecoder(decoder, { ...ends, ...decoded }, described);
    this.objective = this.objectiveOf(config.objective);
  }

  /**
   * An objective for this model.
   *
   * @param isLive whether β may change even where it begins as 1
   * @throws LatentGpuError `bad-config` for what means nothing for it
   */
  objectiveOf(objective: VaeConfig['objective'], isLive = false): Objective {
    const { code = NORMAL_CODE, posterior, prior } = this.config;
    return new Objective(objective ?? {}, {
      features: this.features,
      isLive,
      code: code.kind,
      groups: code.kind === 'bernoulli' ? this.latent : (code.groups ?? 1),
      classes: code.classes ?? 2,
      ...(posterior && { posterior: posterior.kind }),
      ...(prior && { prior: prior.kind }),
    });
  }

  override children(): [string, unknown][] {
    return [
      ...(this.encoder ? [['encoder', this.encoder] as [string, unknown]] : []),
      ['decoder', this.decoder],
      ...(this.ordered ? [[this.ordered.tensors, this.ordered] as [string, unknown]] : []),
      ['likelihood', this.likelihood],
      ...(this.columns ? [['columns', this.columns] as [string, unknown]] : []),
      [this.posteriorPart.tensors, this.table ?? this.posteriorPart],
      [this.priorPart.tensors, this.priorPart],
      ['objective', this.objective],
    ];
  }

  /** The numbers [B, width] that describe the posteriors of a batch. */
  numbers(batch: Batch): Tensor {
    return this.encoder ? through(this.encoder, batch.x, batch) : this.followed(batch).of;
  }

  private followed({ rows }: Batch): Followed {
    return (this.table as RowTable).follow(rows as Tensor);
  }

  posterior(batch: Batch): Posterior {
    return this.posteriorPart.of(this.numbers(batch));
  }

  decode(z: Tensor, told?: Told): Distribution {
    const { columns } = this;
    if (columns) return this.decodeBeside(columns, z, told);
    const made = through(this.decoder, z, told);
    return (this.ordered ?? this.likelihood).distribution(made);
  }

  private decodeBeside(columns: Columns, z: Tensor, told?: Told): Distribution {
    if (!told?.x) {
      const why = 'the model is told columns of each row, and has to be told them here';
      throw new LatentGpuError('bad-input', why);
    }
    const { given } = columns.parts(told.x);
    const lead = z.shape.slice(0, -1);
    const each = z.rank > given.rank ? unsqueeze(given, 1) : given;
    const beside = expand(each, [...lead, columns.given.length]);
    const made = this.decoder.call(concat([z, beside], -1));
    return columns.rows(this.likelihood.distribution(made), beside);
  }

  prior(): Density {
    return this.priorPart.density;
  }

  /** The same model with posteriors that other numbers describe. */
  withNumbers(numbers: Tensor): LatentModel {
    return {
      posterior: () => this.posteriorPart.of(numbers),
      decode: (z, batch) => this.decode(z, batch),
      prior: () => this.prior(),
    };
  }

  /** What this model is trained for, of a batch. */
  bound(batch: Batch): ObjectiveTerms {
    return this.objective.of(this, batch);
  }

  get learner(): GradientLearner {
    const parametersOf = (...parts: (Module | undefined)[]) =>
      parts.flatMap((part) => part?.parameters() ?? []);
    const turns = {
      e: parametersOf(this.encoder, this.posteriorPart, this.objective),
      m: parametersOf(this.decoder, this.ordered, this.likelihood, this.priorPart),
    };
    // Parts name their parameters by themselves, and files are written by the names of the whole.
    this.namedParameters();
    return {
      loss: (batch) => {
        const own = this.table && this.followed(batch);
        const model = own ? this.withNumbers(own.of) : this;
        return { ...this.objective.lossOf(model, batch), ...(own && { also: [own] }) };
      },
      turns,
      live: this.objective.live,
      ...((this.priorPart.initial || this.columns) && {
        initial: (data, seed) =>
          new Map([
            ...(this.priorPart.initial?.(data, seed) ?? []),
            ...(this.columns ? [this.columns.initial(data)] : []),
          ]),
      }),
    };
  }

  get can(): Abilities {
    return vaeAbilities(this);
  }

  get portrait() {
    return codedPortrait(this.config, this.config, this.latent);
  }
}

/** @throws LatentGpuError `bad-config` for what is told no columns */
function columnsOf(config: VaeConfig, features: number): Columns | undefined {
  const { condition, shape, isSequence, encoder, decoder } = config;
  if (!condition) return undefined;
  const bad = (why: string) => new LatentGpuError('bad-config', why);
  if (shape.length !== 1 || isSequence) {
    const what = isSequence ? 'series' : 'images';
    throw bad(`condition names columns of a table, and data points are ${what}; leave it out`);
  }
  for (const [name, { kind = 'mlp' }] of Object.entries({ encoder, decoder })) {
    if (kind === 'mlp' || kind === 'linear') continue;
    throw bad(`${name}.kind is ${kind}, which cannot be told columns; take ${name}.kind=mlp`);
  }
  if ((decoder.receptive ?? null) === null) return new Columns(features, condition);
  throw bad('decoder.receptive goes with a decoder that is told no columns; leave it out');
}

export const VAE_KEYS = {
  ...CODE_KEYS,
  ...NET_KEYS,
  ...ORDERED_KEYS,
  ...LIKELIHOOD_KEYS,
  ...POSTERIOR_KEYS,
  ...PRIOR_KEYS,
  ...OBJECTIVE_KEYS,
  ...INIT_KEYS,
};

/** What the table says of all of them. */
export const SHARED = {
  keys: VAE_KEYS as typeof VAE_KEYS & Schema,
  required: REQUIRED,
  run: { ...DECODED_RUN_KEYS, ...WEIGHED_RUN_KEYS },
  // The encoder sees zeros, and bounds sum log p(x | z) over what is seen (Mattei and Frellsen 2019).
  takesMissing: true,
  check: (values: ReadonlyMap<string, Value>): void => {
    if ((values.get('decoder.receptive') ?? null) === null) return;
    if (values.get('outputBias') !== 'data') return;
    throw new LatentGpuError(
      'bad-config',
      'outputBias=data sets what the decoder says of the data, and with decoder.receptive it says maps; leave one of them out',
    );
  },
  build: (config: unknown, { shape, sequence }: DataDescription, seed: number) =>
    new Vae(
      { ...(config as Omit<VaeConfig, 'shape'>), shape, isSequence: sequence !== undefined },
      seed,
    ),
};

export const VAE: Family<typeof VAE_KEYS> = {
  name: 'vae',
  title: 'VAE',
  about: 'an encoder, a decoder and a prior of codes (Kingma and Welling 2014)',
  ...SHARED,
};

export const IWAE: Family<typeof VAE_KEYS> = {
  name: 'iwae',
  title: 'IWAE',
  about: 'a VAE trained for the importance-weighted bound (Burda, Grosse and Salakhutdinov 2016)',
  ...SHARED,
};
