// What a model can do. Everybody above asks for abilities and never for families.
import type { Parameter } from '../distributions/index.ts';
import type { Bijection, Flow } from '../flows/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import type { Batch } from '../nn/index.ts';
import type { Schema } from '../schema/index.ts';
import type { LikelihoodConfig } from './likelihoods/index.ts';

/** A number for each row, of which the mean over rows is told. */
export interface Quantity {
  /** In JSON and `metrics.jsonl`: `negativeElbo`. */
  readonly name: string;
  /** For people: `negative ELBO`. */
  readonly label: string;
  readonly unit: string;
  /** Decimals worth showing. */
  readonly digits: number;
  /** [B]. */
  readonly of: Tensor;
  /** Whether it is a density's logarithm, which standardising the data shifts by Σ log deviation. */
  readonly isDensity?: boolean;
}

export interface CodeAbility {
  /** Numbers of a code, M. */
  readonly size: number;
  /** Parts of as many numbers each that are in use or idle: variables of classes. Default: each number. */
  readonly units?: number;
  /** What codes are called: `codes`, `noise`. */
  readonly noun: string;
  /** What the values of `mean` are called: `means`, `noise`. */
  readonly values: string;
  /** The code that stands for a data point: [B, M]. */
  mean(batch: Batch): Tensor;
  /** Coordinates along principal axes, as the model sees data, where codes belong to such: [B, M]. */
  components?(batch: Batch): Tensor;
  /** A draw of q(z | x): [B, M]. */
  draw?(batch: Batch): Tensor;
  /** Log standard deviations of q(z | x), whose numbers are normal, each for itself: [B, M]. */
  logStd?(batch: Batch): Tensor;
  /** KL(q ‖ p) of each dimension or group, [B, G], where it has a closed form or can be sampled by itself. */
  kl?(batch: Batch): Tensor;
  /** log q(z | x) of codes z [B, S, M], or [B, M]: [B, S], or [B]. */
  logProb?(batch: Batch, z: Tensor): Tensor;
  /** Whether codes lie as N(0, I), so that a plane of quantiles shows all of them. */
  readonly isStandard: boolean;
}

/**
 * What is known of rows whose codes are decoded: the classes that a conditional model is told; rows, of which
 * the columns count that it is told.
 */
export type Told = Pick<Batch, 'labels'> & Partial<Pick<Batch, 'x'>>;

export interface DecodeAbility {
  /** The mean of p(x | z): [B, D] for z [B, M]. */
  mean(z: Tensor, told?: Told): Tensor;
  /** A draw of it. */
  draw?(z: Tensor, told?: Told): Tensor;
  /** Whether the mean is linear in the code, up to an offset: the plane that it spans may be told. */
  readonly isLinear?: true;
  /** Whether codes say so little that a mean is no data point: what is sampled are draws. */
  readonly isCoarse?: true;
  /** What p(x | z) is given by beside its mean. */
  parameters?(z: Tensor, told?: Told): readonly Parameter[];
  /** Numbers that decoding a row yields at most, which bound how many rows go at once. */
  readonly numbers: number;
}

/** What everything is conditional on: of each row its class, `Batch.labels`. */
export interface ConditionAbility {
  /** Names of the classes, in the order of their numbers. */
  readonly classes: readonly string[];
  /** Whether what is asked of data (codes, densities) is of a row of a class, which has to be told. */
  readonly ofCodes: boolean;
}

/** Columns that everything is conditional on. */
export interface GivenAbility {
  /** Their places in a row. */
  readonly columns: readonly number[];
  /** Those of some rows of the training data, [K, C]: where nothing else is told, draws are of these in turn. */
  readonly kept: Variable;
}

export interface DrawAbility {
  /** Of codes in layers: numbers of each, from the one beside the data, whose noise may be scaled. */
  readonly layers?: readonly number[];
  /** A draw of p(z) for noise [B, M] ~ N(0, I), or from noise of its own: [B, M]. */
  codes(noise: Tensor): Tensor;
  /** log p(z) of codes z [..., M]: [...]. */
  logProb?(z: Tensor): Tensor;
  /** What drawing may be told: `temperature`. */
  readonly controls: Schema;
  /** Of codes that come from groups. */
  readonly groups?: GroupDraws;
}

export interface GroupDraws {
  /** K. */
  readonly count: number;
  /** Draws of p(z | c) for groups c as rows with one 1, [B, K]: [B, M]. */
  codes(chosen: Tensor): Tensor;
}

/** Steps that follow each other in time and end in a draw; the host waits for none, and writes nothing. */
export interface Walk {
  /** Assignments before the first step. */
  readonly start: readonly Tensor[];
  /** A round is these one after the other, each so many times; each draws noise of its own. */
  readonly legs: readonly { readonly effects: readonly Tensor[]; readonly times: number }[];
  readonly rounds: number;
  /** The rows at the end, [B, D], and log p of each (given its code, where there is one): [B]. */
  readonly result: { readonly x: Tensor; readonly logProb: Tensor };
  /** Memory that belongs to the walk. */
  readonly state: readonly Variable[];
}

/** What a draw is given. */
export interface WalkOptions {
  /** Rows that are drawn at once, B. */
  readonly rows: number;
  /** Which of the orders is gone through: unsigned [1]. */
  readonly order: Tensor;
  /** [B, M], of models with codes. */
  readonly codes?: Tensor;
  /** Classes of the rows, unsigned [B], of conditional models. */
  readonly labels?: Tensor;
}

/** Draws by ancestral sampling: place after place, each given those that were drawn before it. */
export interface AncestralAbility {
  /** Orders of which every row takes one at random. Default: 1. */
  readonly orders?: number;
  walk(options: WalkOptions): Walk;
}

/** Of series: how each channel of a step is told by the steps before it. */
export interface ChannelAbility {
  readonly channels: number;
  readonly steps: number;
  /** log p of each channel of x, summed over steps, where what is seen before is of `seen` [B, D]: [B, C]. */
  logProb(batch: Batch, seen: Tensor): Tensor;
}

export interface WeightAbility {
  /** Whether the weight of one draw is log p(x) itself. */
  readonly exact: boolean;
  /** What -log of it is called; default: `-log p(x)`. */
  readonly label?: string;
  /** Log importance weights log p(x, z) - log q(z | x): [B, k]; of an exact density log p(x): [B]. */
  of(batch: Batch, k: number): Tensor;
}

/** Numbers about a row that is not the data: another column, classes. */
export interface PredictAbility {
  /** What to call them. */
  readonly columns: readonly string[];
  /** Whether they are p(y | x) of classes, which sum to 1. */
  readonly kind?: 'probabilities';
  /** The feature in whose units they are: a mean, and deviations from the second on. */
  readonly feature?: number;
  /** [B, P], one for each of the columns. */
  of(batch: Batch): Tensor;
  /** Of classes: log p(y | x) up to a constant a row, [B, P]. */
  logits?(batch: Batch): Tensor;
}

/** What is known of a model without any data, of those that it was learned from. */
export interface Fact {
  readonly name: string;
  readonly label: string;
  readonly digits: number;
  /** A scalar, in nats. */
  readonly of: Tensor;
  /** Of so many rows it is the log-density: standardising shifts each. */
  readonly rows: Tensor;
}

/** log p(x, z) of codes that are real numbers, which gradients with respect to them follow. */
export interface JointAbility {
  /** log p(z) of codes z [B, S, M]: [B, S]. */
  logPrior(z: Tensor): Tensor;
  /** log p(what is seen | z): [B, S]. */
  logLikelihood(batch: Batch, z: Tensor): Tensor;
}

/** What is missing, given what is seen: in closed form, or by codes that are weighed. */
export type ImputeAbility =
  | {
      readonly kind: 'exact';
      /** E[x | what is seen], [B, D]. */
      mean(batch: Batch): Tensor;
      /** A draw of it, [B, D]. */
      draw(batch: Batch): Tensor;
      /** Numbers that a row with a mask takes at most, which bound how many rows go at once. */
      readonly numbers: number;
    }
  | {
      readonly kind: 'weighed';
      /** k draws of q(z | what is seen), k ≥ 2. */
      of(batch: Batch, k: number): WeighedCodes;
    }
  | {
      readonly kind: 'particles';
      /**
       * k ≥ 2 particles a row, rows [B · k, D] of the walk's result; in place of log p it has the logarithms
       * of their weights.
       */
      walk(batch: Batch, k: number): Walk;
    };

export interface WeighedCodes {
  /** [B, k, M]. */
  readonly codes: Tensor;
  /** log p(what is seen, z) - log q(z | what is seen), [B, k]. */
  readonly logWeights: Tensor;
  /** E[x | z], [B, k, D]. */
  readonly means: Tensor;
}

/**
 * Posteriors that may be fitted to each data point by itself, from where the encoder leaves them or from
 * the prior: the numbers [B, width] that describe them are what is fitted.
 */
export interface RefineAbility {
  readonly width: number;
  /** The numbers to begin with. */
  start(batch: Batch): Tensor;
  /** The evidence lower bound of posteriors that such numbers describe, [B], and what to raise for it. */
  bound(batch: Batch, numbers: Tensor): { readonly bound: Tensor; readonly surrogate: Tensor };
}

/** Estimators of the gradient of a bound, side by side. */
export interface EstimateAbility {
  /** Those that mean something for this model, by their names. */
  readonly estimators: readonly string[];
  /** The one among them that draws nothing, if there is one. */
  readonly exact?: string;
  readonly parameters: {
    readonly encoder: readonly Variable[];
    readonly decoder: readonly Variable[];
  };
  /** Whether an estimator takes so many draws a data point. */
  allows(estimator: string, samples: number): boolean;
  /**
   * Scalar whose gradient is the estimate.
   *
   * @throws LatentGpuError `bad-config` for an estimator that means nothing for this model
   */
  loss(batch: Batch, estimator: string, samples: number): Tensor;
}

export interface BijectionAbility {
  /** From noise to data, everything included. */
  readonly flow: Flow;
  /** What is certified: all of it but a logit. */
  readonly layers: Bijection;
}

/** Data that are grey levels: n of `levels` is n / (levels - 1). */
export interface GreyAbility {
  readonly levels: number;
  /** How they are made continuous, in words: `dequantised uniformly`. */
  readonly how: string;
  readonly dequantization: 'uniform' | 'variational';
  /** In a line about the data: `dequantised`. */
  readonly treatment: string;
}

/** Everything that somebody may ask of a model. */
export interface Abilities {
  readonly code?: CodeAbility;
  readonly decode?: DecodeAbility;
  readonly draw?: DrawAbility;
  readonly ancestral?: AncestralAbility;
  /** Of a model that is told the classes of rows. */
  readonly condition?: ConditionAbility;
  /** Of a model that is told columns of rows. */
  readonly given?: GivenAbility;
  readonly logWeights?: WeightAbility;
  readonly byChannel?: ChannelAbility;
  readonly bijection?: BijectionAbility;
  readonly grey?: GreyAbility;
  readonly refine?: RefineAbility;
  readonly impute?: ImputeAbility;
  /** With it go `code.size` and `draw.codes`. */
  readonly joint?: JointAbility;
  readonly predict?: PredictAbility;
  readonly facts?: readonly Fact[];
  /** Features that its density is of, whose units its loss follows; default: all. */
  readonly densityOf?: readonly number[];
  readonly estimate?: EstimateAbility;
  /** Data are so many levels or classes a number, whose probabilities are told: they have bits. */
  readonly levels?: number;
  /** Numbers that a row takes where it takes most, which bound how many rows go at once. */
  readonly numbers?: number;
  /** Codes are those of so many training rows: of other data it has none, unless they are refined. */
  readonly trainingRows?: number;
  /** What its decoder describes; data of a model without one are seen as they are. */
  readonly describes?: LikelihoodConfig;
  /** What else it does to data before it sees them, in words: `logit 1e-6`. */
  readonly treatment?: readonly string[];
  /** Why it takes values in [0, 1] alone, as the beginning of a sentence, and what to set for others. */
  readonly unitRange?: { readonly who: string; readonly remedy: string };
  /** p(c | x) of the groups that it sorts data into, [B, K]. */
  assign?(batch: Batch): Tensor;
  /** Of an exact density: numbers that say which of its kind it is, by which BIC and AIC count. */
  readonly freedom?: number;
  /** What `eval` and epochs report; the first is what patience watches, and lower is better. */
  quantities?(batch: Batch): readonly Quantity[];
  /**
   * Why it lacks an ability, as the end of "DIR holds …": `an autoencoder, which …`. By the ability's
   * name, or `code.draw` and so on for its parts.
   */
  readonly lacks?: Readonly<Record<string, string>>;
}
