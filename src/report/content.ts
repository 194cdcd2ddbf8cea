// What a report tells, before it is a page.
import type { Card } from './card.ts';
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

export interface ReportContent {
  readonly title: string;
  /** One sentence. */
  readonly subtitle: string;
  readonly facts: readonly Fact[];
  /** What is missing, and why, a sentence each. */
  readonly notes: readonly string[];
  readonly likelihood: Card | undefined;
  readonly history: History | undefined;
  readonly pictures: readonly ReportPicture[];
  readonly dimensions: LatentDimensions | undefined;
  /** Of a flow, from noise to data: what a layer is, and its keys. */
  readonly layers: readonly Fact[];
  /** Settled keys. */
  readonly configuration: readonly (readonly [key: string, value: string, help: string])[];
  /** What to type, and what it does. */
  readonly commands: readonly Fact[];
  readonly versions: readonly Fact[];
}
