// Which data a command takes, and how it reads them.
import type { Windows } from '../../data/windows.ts';
import type { TableChoice } from '../../formats/csv.ts';

export interface DataChoice {
  readonly data: string;
  readonly dataDir?: string;
  /** The test split, for data from a file or folder. */
  readonly test?: string;
  /** Rows of the training split. */
  readonly limit?: number;
  /** Whether values may be of any range, because they are to be standardised. */
  readonly standardize?: boolean;
  /** The same for another reason: a flow takes densities in the plane as they are. */
  readonly anyRange?: boolean;
  /** Of an archive, the array to take. */
  readonly array?: string;
  /** A table's column of classes, or an archive's array of them. */
  readonly labelColumn?: string;
  /** Whether it was said of these very data, which then have to have it. */
  readonly needsLabelColumn?: boolean;
  /** How a table is read. */
  readonly table?: TableChoice;
  /** How series are cut into data points. */
  readonly windows?: Windows;
  /** What is hidden of the data: `top`, `bottom`, `random:0.5`. */
  readonly hide?: string;
  /** The share of rows to train on whose classes are hidden. */
  readonly hideLabels?: number;
  /** Whether a table's column of classes may have empty cells. */
  readonly takesUnlabelled?: boolean;
  /** Whether values may be missing. */
  readonly takesMissing?: boolean;
  /** What else may be done about them, where they may not. */
  readonly missingRemedy?: string;
  /** Whether a table's columns of words are taken, as categories. */
  readonly takesWords?: boolean;
  /** What else may be done about them, where they are not. */
  readonly wordsRemedy?: string;
  /** The same of a table that has words and cells without a value. */
  readonly bothRemedy?: string;
  /** Whether numbers stay as the file has them, float64. */
  readonly exact?: boolean;
}
