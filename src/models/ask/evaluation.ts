// What is found of a model and held-out data: figures for programs, and the same for people.

import type { Criteria } from './criteria.ts';
import type { Figure } from './figure.ts';
import type { Information } from './information.ts';
import type { Refinement } from './refine.ts';

export interface LikelihoodEstimate {
  /** Mean of -log p(x) in nats. */
  readonly value: number;
  /** Of that mean, from the spread over the data. */
  readonly standardError: number;
  readonly samples: number;
  /** Mean over the data of (Σ w)² / Σ w². */
  readonly effectiveSampleSize: number;
  readonly count: number;
}

/** Of one dimension of the code, or of a group of them, over the rows. */
export interface CodeDimension {
  /** Mean divergence of q(z | x) from the prior, in nats; missing where no dimension has one of its own. */
  readonly kl?: number;
  /** Of the codes that stand for the rows: of posterior means where there is a posterior. */
  readonly variance: number;
}

/** A bound by how many draws it averages over. */
export interface BoundOfSamples {
  readonly samples: number;
  /** Mean over the rows, in nats, and its error. */
  readonly value: number;
  readonly error: number;
}

export interface Evaluation {
  /** Rows. */
  readonly count: number;
  /** What training lowers, in nats of the data as they were: the first figure's value. */
  readonly loss: number;
  /** Of models with a bound: means of -ELBO (an autoencoder's: of -log p(x | code)). */
  readonly negativeElbo?: number;
  /** Of models with an exact density; of grey levels, of the density on [0, 1], a bound on average. */
  readonly negativeLogLikelihood?: number;
  /** Of the loss, from the spread over the data. */
  readonly standardError: number;
  readonly kl?: number | null;
  readonly nll?: LikelihoodEstimate | null;
  /** Latent dimensions whose posterior mean varies over the data. */
  readonly activeUnits?: number | null;
  /** Of grey levels: with `D log levels` added. */
  readonly bitsPerDimension?: number | null;
  readonly dequantization?: string;
  /** Of the dequantising noise a row; 0 where there is none. */
  readonly draws?: number;
  /** Of exact densities of a known size. */
  readonly criteria?: Criteria;
  /** Of models with codes, in the order of the code. */
  readonly dimensions?: readonly CodeDimension[];
  /** Of -log p(x), from few draws to many. */
  readonly curve?: readonly BoundOfSamples[];
  /** Where the divergence goes. */
  readonly information?: Information;
  /** What fitting each row's posterior by itself adds to the bound. */
  readonly refinement?: Refinement;
  /** Of a linear decoder: in radians, rising, between its plane and that of the principal components. */
  readonly principalAngles?: readonly number[];
  /** The same for people, the loss first. */
  readonly figures: readonly Figure[];
}

/**
 * What programs get: everything but the words.
 *
 * @example const text = formatJson(plainOf(await evaluateModel(runtime, model, data, rows)));
 */
export function plainOf({ figures: _, loss: __, ...rest }: Evaluation): object {
  return rest;
}
