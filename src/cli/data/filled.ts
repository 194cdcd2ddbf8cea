// Data whose holes are filled: what was seen as it was, bit for bit, the rest in the data's own units.
import { columnsOf, headingsOf, levelOf, placesOf } from '../../categories.ts';
import { imageSize, type LoadedDataset } from '../../data/dataset.ts';
import { type Standardization, toOriginal } from '../../data/standardize.ts';
import { csvText, float32Text } from '../../formats/csv-text.ts';

/** Rows [count, D] in data units; float64 where the data are. */
export type Filled = Float32Array | Float64Array;

/** @param made whole rows as the model sees them */
export function filled(
  original: LoadedDataset,
  made: Float32Array,
  standardization: Standardization | undefined,
): Filled {
  const { data, mask } = original;
  const rows = standardization ? toOriginal(made, standardization) : made;
  const isDouble = data instanceof Float64Array || rows instanceof Float64Array;
  const result = isDouble ? new Float64Array(data.length) : new Float32Array(data.length);
  const unit = data instanceof Uint8Array ? 1 / 255 : 1;
  for (let i = 0; i < data.length; i++) {
    const isSeen = !mask || mask[i];
    result[i] = isSeen ? unit * (data[i] as number) : Math.fround(rows[i] as number);
  }
  return result;
}

/** What a table has beside its numbers. */
export type TableFrame = Pick<
  Readonly<LoadedDataset>,
  'count' | 'columns' | 'categories' | 'labels' | 'classNames' | 'mask'
> & { readonly table?: Pick<NonNullable<LoadedDataset['table']>, 'labelColumn'> };

/** The table again, with its headings, its words (the likeliest) and its column of classes, whose name it is. */
export function filledTable(frame: TableFrame, rows: Filled): string {
  const { columns, categories, labels, classNames, table, mask, count } = frame;
  const width = rows.length / count;
  const isLabelled = labels && classNames;
  const names = columns && [
    ...headingsOf(columns, categories),
    ...(isLabelled ? [table?.labelColumn ?? 'label'] : []),
  ];
  const places = columnsOf(width, categories);
  const isDouble = rows instanceof Float64Array;
  const cell = (i: number) => {
    const value = rows[i] as number;
    return isDouble && (!mask || mask[i]) ? String(value) : float32Text(value);
  };
  const lines = Array.from({ length: count }, (_, row) => [
    ...places.map((each) =>
      typeof each === 'number' ? cell(row * width + each) : levelOf(rows, row * width, each),
    ),
    ...(isLabelled ? [classNames[labels[row] as number] ?? ''] : []),
  ]);
  return csvText(lines, names);
}

/** How far what was put in is from what had been hidden on purpose. */
export interface Imputation {
  /** Numbers that were hidden. */
  readonly hidden: number;
  /** Mean squared error of these, if there are any: in the features' deviations if the data are standardised. */
  readonly mse?: number;
  /** Of the feature's mean over what is seen (of the training rows, if the data are standardised). */
  readonly meanMse?: number;
  /** Of sequences: of straight lines between what is seen, and of the last value seen beyond it. */
  readonly interpolationMse?: number;
  readonly words?: Words;
}

/** Of words that had been hidden: how many, the share of which is right, and that of the most frequent ones. */
interface Words {
  readonly hidden: number;
  readonly accuracy: number;
  readonly frequentAccuracy: number;
}

/** @param made whole rows as the model sees them */
export function imputation(
  original: LoadedDataset,
  made: Float32Array,
  standardization: Standardization | undefined,
): Imputation | undefined {
  const { withheld, mask, data } = original;
  if (!withheld || !mask) return undefined;
  const width = imageSize(original);
  const unit = data instanceof Uint8Array ? 1 / 255 : 1;
  const means = standardization ? new Float64Array(width) : seenMeans(original, unit);
  let [hidden, squares, plain, straight] = [0, 0, 0, 0];
  const lines = original.sequence && interpolated(original);
  const words = hiddenWords(original, made);
  const isWord = new Set(original.categories?.flatMap(placesOf));
  for (let i = 0; i < data.length; i++) {
    if (mask[i] || (withheld.mask && !withheld.mask[i]) || isWord.has(i % width)) continue;
    const j = i % width;
    const scaled = (value: number) =>
      standardization
        ? (value - (standardization.mean[j] as number)) / (standardization.std[j] as number)
        : value;
    const truth = scaled(unit * (withheld.data[i] as number));
    hidden += 1;
    squares += ((made[i] as number) - truth) ** 2;
    plain += ((means[j] as number) - truth) ** 2;
    if (lines) straight += (scaled(lines[i] as number) - truth) ** 2;
  }
  if (hidden === 0 && !words) return undefined;
  return {
    hidden,
    // A mean of nothing would read as no error.
    ...(hidden > 0 && { mse: squares / hidden, meanMse: plain / hidden }),
    ...(words && { words }),
    ...(lines && hidden > 0 && { interpolationMse: straight / hidden }),
  };
}

function hiddenWords(
  { categories, withheld, mask, data, count, shape }: LoadedDataset,
  made: Float32Array,
): Words | undefined {
  if (!categories || !withheld || !mask) return undefined;
  const width = imageSize({ shape });
  let [hidden, right, frequent] = [0, 0, 0];
  for (const category of categories) {
    const isThere = (seen: Uint8Array | undefined, row: number) =>
      !seen || seen[row * width + category.at] === 1;
    const seen = new Map<string, number>();
    for (let row = 0; row < count; row++) {
      if (!isThere(mask, row)) continue;
      const word = levelOf(data, row * width, category);
      seen.set(word, (seen.get(word) ?? 0) + 1);
    }
    const [[most] = ['']] = [...seen].sort(([, a], [, b]) => b - a);
    for (let row = 0; row < count; row++) {
      if (isThere(mask, row) || !isThere(withheld.mask, row)) continue;
      const truth = levelOf(withheld.data, row * width, category);
      hidden += 1;
      right += Number(levelOf(made, row * width, category) === truth);
      frequent += Number(most === truth);
    }
  }
  if (hidden === 0) return undefined;
  return { hidden, accuracy: right / hidden, frequentAccuracy: frequent / hidden };
}

/** Sequences with straight lines where nothing is seen, channel by channel; before and after, the nearest value. */
function interpolated({ data, mask, shape, count }: LoadedDataset): Float64Array {
  const [steps = 1, channels = 1] = shape;
  const lines = Float64Array.from(data);
  for (let row = 0; row < count; row++) {
    for (let c = 0; c < channels; c++) {
      const at = (t: number) => (row * steps + t) * channels + c;
      let last = -1;
      for (let t = 0; t <= steps; t++) {
        if (t < steps && !mask?.[at(t)]) continue;
        for (let hole = last + 1; hole < t; hole++) {
          const [from, to] = [data[at(last)] as number, data[at(t)] as number];
          const along = (hole - last) / (t - last);
          lines[at(hole)] = last < 0 ? to : t === steps ? from : from + along * (to - from);
        }
        last = t;
      }
    }
  }
  return lines;
}

function seenMeans({ data, mask, shape }: LoadedDataset, unit: number): Float64Array {
  const width = imageSize({ shape });
  const [sums, counts] = [new Float64Array(width), new Float64Array(width)];
  for (let i = 0; i < data.length; i++) {
    if (!mask?.[i]) continue;
    const j = i % width;
    sums[j] = (sums[j] as number) + unit * (data[i] as number);
    counts[j] = (counts[j] as number) + 1;
  }
  return sums.map((sum, j) => sum / Math.max(1, counts[j] as number));
}
