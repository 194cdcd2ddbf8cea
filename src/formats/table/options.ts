// What can be said of a table that its text does not say.
import type { Category } from '../../categories.ts';

/** A column that holds classes, of any text, in place of numbers. */
export interface LabelColumn {
  /** Its heading, or its number from 1. */
  readonly name: string;
  /** Whether a table without it is read, too. */
  readonly isOptional?: boolean;
  /** Whether cells may be empty: of rows whose class is not known. */
  readonly mayLack?: boolean;
}

export interface TableChoice {
  /** Whether the first row names the columns. Default: as it looks; where that is in doubt, refused. */
  readonly header?: 'yes' | 'no';
  /** Of the text, as browsers call it. Default: UTF-8. */
  readonly encoding?: string;
  /** Columns to leave out, by heading, by number from 1, or `2-5`. */
  readonly drop?: readonly string[];
  /** The columns to take, in this order. Default: all. */
  readonly columns?: readonly string[];
  /** Columns whose values are categories, of words or of numbers. Default: those of words. */
  readonly categorical?: readonly string[];
}

export interface TableOptions extends TableChoice {
  /** Whether cells without a value are taken, as NaN. */
  readonly takesMissing?: boolean;
  /** What else may be done about them, `, or …`, where they are refused. */
  readonly missingRemedy?: string;
  /** Whether columns of words are taken, as categories. */
  readonly takesWords?: boolean;
  /** What else may be done about them, `, or …`, where they are refused. */
  readonly wordsRemedy?: string;
  /** The same of a table that has both. */
  readonly bothRemedy?: string;
  /** The columns of words of a table with which this one goes, all of them. */
  readonly categories?: readonly Category[];
  /** Whether it goes with another table, of which is known already what is a class. */
  readonly isOther?: boolean;
  /** Whether rows are steps of a series, which have no class. */
  readonly isSeries?: boolean;
  /** What was said of another table, with which this one goes: it helps where this one leaves doubt. */
  readonly hints?: TableChoice;
  /** The headings that there must be, in the order in which their columns are wanted. */
  readonly expected?: readonly string[];
  /** How many features it is to have, columns of words as one each. */
  readonly takes?: number;
  /** Whether one of them may be missing, as it is predicted from the others. */
  readonly mayBeOneLess?: boolean;
  /** One of these that may be missing, as it is predicted from the others. */
  readonly mayLack?: string;
  /** Headings beside the expected ones that may be there and are left out. */
  readonly known?: readonly string[];
  /** Names of classes that have numbers already, from 0; others go on from there. */
  readonly classes?: readonly string[];
}
