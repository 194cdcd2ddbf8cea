// What a report tells, before it is a page.
import type { Evaluation } from '../models/index.ts';
import type { BitsPerDimension } from './bits.ts';
import type { History } from './history.ts';

/** A label and what it stands for. */
export type Fact = readonly [label: string, text: string];

export interface ReportPicture {
  readonly title: string;
  readonly png: Uint8Array;
  /** What is to be seen, for those who do not see it. */
  readonly alt: string;
  /** How it was made. */
  readonly caption: string;
}

/** Of every dimension of the code, over the rows that were evaluated. */
export interface LatentDimensions {
  /** Mean divergence from the prior in nats; an autoencoder has none. */
  readonly kl: readonly number[] | undefined;
  /** Of the posterior means (an autoencoder: of the codes). */
  readonly variance: readonly number[];
}

/** An evaluation, and what its numbers are of. */
export interface LikelihoodCard {
  readonly evaluation: Evaluation;
  readonly isVae: boolean;
  readonly latent: number;
  /** `mnist, 10,000 rows`. */
  readonly data: string;
  /** Which split, and how the data were made what the model sees. */
  readonly treatment: string;
  readonly seed: number;
  readonly bits: BitsPerDimension;
}

export interface ReportContent {
  readonly title: string;
  /** One sentence. */
  readonly subtitle: string;
  readonly facts: readonly Fact[];
  /** What is missing, and why, a sentence each. */
  readonly notes: readonly string[];
  readonly likelihood: LikelihoodCard | undefined;
  readonly history: History | undefined;
  readonly pictures: readonly ReportPicture[];
  readonly dimensions: LatentDimensions | undefined;
  /** Settled keys. */
  readonly configuration: readonly (readonly [key: string, value: string, help: string])[];
  /** What to type, and what it does. */
  readonly commands: readonly Fact[];
  readonly versions: readonly Fact[];
}
