// What a variational autoencoder is made of.
import type { Category } from '../../../categories.ts';
import type { Density, Distribution } from '../../../distributions/index.ts';
import { LatentGpuError } from '../../../errors.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Batch, type LinearInit, Module } from '../../../nn/index.ts';
import {
  type LatentModel,
  Objective,
  type ObjectiveConfig,
  type Posterior,
} from '../../../objectives/index.ts';
import { concat, expand, unsqueeze } from '../../../ops/index.ts';
import { type Followed, RowTable } from '../../../optim/index.ts';
import type { Told } from '../../abilities.ts';
import { type CodeConfig, codeSize, NORMAL_CODE } from '../../codes.ts';
import { amongThose, Columns } from '../../columns.ts';
import {
  describedBy,
  type Likelihood,
  type LikelihoodConfig,
  makeLikelihood,
} from '../../likelihoods/index.ts';
import { makeDecoder, makeEncoder, type Net, type NetConfig, through } from '../../nets/index.ts';
import type { OrderedConfig, OrderedDecoder } from '../../nets/ordered.ts';
import { PixelDecoder } from '../../nets/pixel-decoder.ts';
import { StepDecoder } from '../../nets/step-decoder.ts';
import {
  FreePart,
  makePosterior,
  type PosteriorConfig,
  type PosteriorPart,
} from '../../posteriors/index.ts';
import { makePrior, type PriorConfig, type PriorPart } from '../../priors/index.ts';

export interface VaeConfig {
  /** Extents of one data point, e.g. `[28, 28]`. */
  readonly shape: readonly number[];
  /** Features that are words of a table. */
  readonly categories?: readonly Category[] | undefined;
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

/** Nets, a posterior, a prior and a likelihood put together: what rows [B, D] and codes [B, M] say of each other. */
export class VaeParts extends Module implements LatentModel {
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
  protected readonly table: RowTable | undefined;

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
    const described = this.columns?.described;
    this.likelihood = makeLikelihood(config.likelihood, {
      features: described?.length ?? this.features,
      categories: described ? amongThose(described, config.categories) : config.categories,
    });
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
    const { columns } = this;
    const decoded = columns && {
      shape: [columns.described.length],
      code: this.latent + columns.given.length,
    };
    // Maps lie as classes do: those of a pixel together.
    const what = this.ordered
      ? { kind: 'categorical', outputsPerFeature: this.ordered.maps }
      : describedBy(this.likelihood, config.likelihood, described?.length ?? this.features);
    this.decoder = makeDecoder(decoder, { ...ends, ...decoded }, what);
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

  protected followed({ rows }: Batch): Followed {
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
}

/** @throws LatentGpuError `bad-config` for what is told no columns */
function columnsOf(config: VaeConfig, features: number): Columns | undefined {
  const { condition, shape, isSequence, encoder, decoder, categories } = config;
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
  if ((decoder.receptive ?? null) === null) return new Columns(features, condition, categories);
  throw bad('decoder.receptive goes with a decoder that is told no columns; leave it out');
}
