// Archives of arrays as data sets: one array is the data, another may hold the classes.
import { LatentGpuError } from '../errors.ts';
import { type NpzArray, npzArrays, readNpzArray, readNpzTexts } from '../formats/npz.ts';
import { classIndices } from '../formats/table/classes.ts';
import { ofClasses } from '../formats/table/remarks.ts';
import type { ZipEntry } from '../formats/zip.ts';
import { type ArrayWish, chooseArrays, hasOneEach } from './array-choice.ts';
import type { StoredArray } from './arrays.ts';
import type { LoadedDataset } from './dataset.ts';

export interface NpzWish extends ArrayWish {
  /** Names of classes that have their numbers. */
  readonly classes?: readonly string[] | undefined;
  readonly onRemark?: ((text: string) => void) | undefined;
}

/** The data of an archive, and what goes with them. */
export interface FoundArray extends StoredArray {
  readonly notes: Pick<LoadedDataset, 'labels' | 'classes' | 'classNames' | 'hasTest'>;
}

/**
 * @param path of the archive, for messages
 * @throws LatentGpuError `bad-input` where it must be said which array is meant, `bad-format`, `bad-data`
 */
export async function arrayOfNpz(
  entries: readonly ZipEntry[],
  path: string,
  wish: NpzWish,
): Promise<FoundArray> {
  const arrays = npzArrays(entries, path);
  const { data, labels, hasTest } = chooseArrays(arrays, wish, path);
  const array = await readNpzArray(data, path);
  const classes = labels && !wish.isSeries ? await classesOf(labels, data, path, wish) : undefined;
  if (arrays.length > 1) {
    const taken = `array ${data.name} [${data.shape}] is taken for the data`;
    const also = classes && labels ? `, and ${labels.name} for the classes` : '';
    const other = arrays.find((each) => each !== data && each !== labels);
    const way = other ? `; --array ${other.name} would take that one` : '';
    wish.onRemark?.(`${path}: ${taken}${also}${way}`);
  }
  return { ...array, notes: { ...classes, ...(hasTest && { hasTest }) } };
}

async function classesOf(
  labels: NpzArray,
  data: NpzArray,
  path: string,
  { labels: asked, classes: numbered, onRemark }: NpzWish,
): Promise<FoundArray['notes'] | undefined> {
  const bad = (why: string) =>
    new LatentGpuError('bad-data', `${path}: array ${labels.name} ${why}`);
  const count = data.shape[0] ?? 0;
  if (!hasOneEach(labels, count)) {
    const hint = labels.shape[0] === count ? '; of one column a class, save y.argmax(1)' : '';
    throw bad(`is [${labels.shape}], and no class a row of ${data.name} [${data.shape}]${hint}`);
  }
  const texts = await readNpzTexts(labels, path);
  if (!texts) {
    if (asked && !asked.isOptional) throw bad('holds fractions, and no classes');
    return undefined;
  }
  const found = classIndices(texts, numbered);
  for (const remark of ofClasses(`array ${labels.name}`, found.classes, count)) {
    onRemark?.(`${path}: ${remark}`);
  }
  return { labels: found.labels, classes: found.classes.length, classNames: found.classes };
}
