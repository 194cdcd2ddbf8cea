// A table of numbers, as it was read.

export interface TableWords {
  readonly place: number;
  readonly column: string;
  readonly levels: readonly string[];
}

export interface CsvTable {
  /** Headings of the features, if there are any. */
  readonly names: readonly string[] | undefined;
  readonly rows: number;
  readonly columns: number;
  /** Row major `[rows, columns]`; NaN where a value is missing, if that is taken; of a column of words their numbers. */
  readonly values: Float64Array;
  /** Columns of words: which of the features, their heading (where there are none, their number among the features from 1), and the words by number. */
  readonly words: readonly TableWords[];
  /** One class index a row, in the order of the classes' names, where a column of labels was asked for. */
  readonly labels: Uint32Array | undefined;
  readonly classes: readonly string[];
  /** What the columns of labels and those dropped are called on a command line: by heading or number. */
  readonly labelColumn: string | undefined;
  readonly dropped: readonly string[];
  /** Headings (numbers where there are none) of all columns left out, dropped or not. */
  readonly leftOut: readonly string[];
  /** Where each row is an image, a list of lists: its extents, and whether its numbers are bytes. */
  readonly image?: { readonly extents: readonly number[]; readonly isOfBytes: boolean };
  /** What was decided without being told, for people. */
  readonly remarks: readonly string[];
}
