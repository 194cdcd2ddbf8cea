// What a data set is asked for by.
import type { LabelColumn, TableOptions } from '../formats/csv.ts';
import type { NamedArray } from './array-choice.ts';
import type { ValueRange } from './dataset.ts';
import type { LoadMnistOptions } from './mnist.node.ts';
import type { Windows } from './windows.ts';

export interface DataSpec extends Pick<LoadMnistOptions, 'cacheDir' | 'mirrors' | 'onDownload'> {
  /**
   * `digits`, `mnist`, `fashion-mnist`, a density in the plane (`moons` …), a signal (`ecg` …), or the path of
   * a file or of a folder of images or sounds.
   */
  data: string;
  /** The folder that holds the MNIST files. */
  dataDir?: string;
  split: 'train' | 'test';
  /**
   * At most this many rows, from the first. `digits` makes 10,000 (test: 2,000) unless told, densities
   * in the plane 20,000 (test: 5,000).
   */
  count?: number;
  /** Of the generated digits, and of the rows held out. */
  seed?: number;
  /**
   * For a file or folder: what `test` holds out of it and `train` leaves, a fraction below 1 or a number
   * of rows. Without it, either split is the whole file.
   */
  holdOut?: number;
  /** A column of a table that holds classes, or such an array of an archive. */
  labelColumn?: LabelColumn;
  /** How a table is read, and which of its columns. */
  table?: TableOptions;
  /** Of an archive of several arrays (.npz), the one to take. */
  array?: NamedArray;
  /** Names of classes that have their indices already, as another split of the same data gave them. */
  classes?: readonly string[];
  /** That the file holds long series, and how they are cut into data points. */
  windows?: Windows;
  /** Whether numbers stay float64 where the file has them so, because they are to be standardised. */
  float64?: boolean;
  /** `any` for values that are to be standardised; default: `unit`, floats in [0, 1]. */
  range?: ValueRange;
  /** Whether values may be missing (empty cells, `NA`, `?`, NaN), which then have a mask. */
  takesMissing?: boolean;
  /** What else may be done about them, `, or …`, where they are refused. */
  missingRemedy?: string;
  /** Told how much of a large file or a folder of images has been read. */
  onProgress?: (fraction: number) => void;
  /** Told what was decided about a table without being asked for, in one line. */
  onRemark?: (text: string) => void;
}
