// What a family of models is: a row of the table of families.
import type { ConfigOf, Key, Schema, Value } from '../schema/index.ts';
import type { DataDescription } from './data-description.ts';
import type { Model } from './model.ts';

/** Settled configuration of some family: its keys, nested, beside what all models have. */
export interface ModelConfig {
  /** The name of the family. */
  readonly family: string;
  readonly data: DataDescription;
  readonly [part: string]: unknown;
}

/** A value, or what follows from other keys and from what is known of the data. */
export type Default = Key['default'];

type Wants = readonly ('labels' | 'rows')[];

/** A row of the table of families. */
export interface Family<S extends Schema = Schema> {
  /** What to type: `train NAME`. */
  readonly name: string;
  /** What heads a report: `VAE`. */
  readonly title: string;
  /** One line with the source. */
  readonly about: string;
  /** What a model of it is: `model.json` holds these. */
  readonly keys: S;
  /** Keys that a `model.json` must have; the others have defaults. */
  readonly required?: readonly string[];
  /** Keys of its training runs beside those that all runs have. */
  readonly run?: Schema;
  /** Defaults of the keys that all runs have, where this family wants others. */
  readonly defaults?: Readonly<Record<string, Default>>;
  /** When its models follow a gradient, or that they never do: keys of optimizers go with that alone. */
  readonly followsGradient?: NonNullable<Key['when']> | false;
  /**
   * A key of whole numbers that says how large a model is: `--set KEY=1..10` tries each and keeps the one of
   * the lowest BIC, which its models tell by an exact density and their `freedom`.
   */
  readonly selects?: string;
  /** What a batch must bring beside data points; of some families it follows from settled keys. */
  readonly wants?: Wants | ((values: ReadonlyMap<string, Value>) => Wants);
  /** Whether some rows may have no label, being of no known class. */
  readonly takesUnlabelled?: boolean;
  /** Whether its models take data with missing values, as `Batch.mask` and zeros in their places. */
  readonly takesMissing?: boolean;
  /** Whether its models take tables with columns of words, a feature a word (`data.categories`). */
  readonly takesWords?: boolean;
  /** Whether it takes densities in the plane as they are, of any range. */
  readonly takesAnyRange?: boolean;
  /** `any`: takes whatever data as they are, of any range; by default they are to lie in [0, 1], or standardised. */
  readonly range?: 'any';
  /** Refuses settled keys that do not go together, those of the run included. */
  check?(values: ReadonlyMap<string, Value>): void;
  /**
   * The model's graph, with its parameters not yet given any memory.
   *
   * @param seed of what is random in its making: orders, rotations
   */
  build(config: ConfigOf<S> & ModelConfig, data: DataDescription, seed: number): Model;
}

/** What is known of a family without building a model: whatever its keys are. */
export type FamilyRow = Omit<Family, 'build'>;

/**
 * What a batch must bring beside data points to a model of these settled keys.
 *
 * @example wantsOf(familyOf('cvae'), new Map()) // ["labels"]
 */
export const wantsOf = ({ wants = [] }: FamilyRow, values: ReadonlyMap<string, Value>): Wants =>
  typeof wants === 'function' ? wants(values) : wants;
