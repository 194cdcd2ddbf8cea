// What a report tells, before it is a page.
import type { BoundOfSamples, CodeDimension } from '../models/index.ts';
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

/** What the dimensions of a code tell, over the rows that were evaluated. */
export interface LatentDimensions {
  readonly each: readonly CodeDimension[];
  /** Whether codes have a posterior, of which the means vary. */
  readonly isDrawn: boolean;
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
  /** -log p(x) by the draws of a row that its bound averages over. */
  readonly curve: readonly BoundOfSamples[] | undefined;
  /** What stands one after the other from noise to data, and its keys. */
  readonly layers: readonly Fact[];
  /** Settled keys. */
  readonly configuration: readonly (readonly [key: string, value: string, help: string])[];
  /** What to type, and what it does. */
  readonly commands: readonly Fact[];
  readonly versions: readonly Fact[];
}
