// Which arrays of an archive are the data and which their classes: by their names, where nobody said.
import { LatentGpuError } from '../errors.ts';
import { quote } from '../formats/message.ts';
import { isNpyText } from '../formats/npy-text.ts';
import type { NpzArray } from '../formats/npz.ts';
import { nearest } from '../nearest.ts';

/** An array that is asked for by its name. */
export interface NamedArray {
  readonly name: string;
  /** Whether it was said of other data that these go with, which may lack it. */
  readonly isOptional?: boolean;
}

export interface ArrayWish {
  readonly split: 'train' | 'test';
  readonly array?: NamedArray | undefined;
  readonly labels?: NamedArray | undefined;
  /** Whether the data are series, which may be a row of numbers. */
  readonly isSeries: boolean;
}

export interface ArrayChoice {
  readonly data: NpzArray;
  readonly labels: NpzArray | undefined;
  /** Whether the archive holds a test split beside what was taken. */
  readonly hasTest: boolean;
}

type Split = 'train' | 'test' | 'validation';

const SPLITS: readonly (readonly [Split, RegExp])[] = [
  ['train', /(^|[_.-])(train|training)(?=$|[_.-])/i],
  ['test', /(^|[_.-])(test|testing)(?=$|[_.-])/i],
  ['validation', /(^|[_.-])(val|valid|validation|dev)(?=$|[_.-])/i],
];
const OF_DATA = /^(x|xs|data|imgs?|images?|features?|inputs?|samples?|arr_0|array|values?)?$/i;
const OF_LABELS = /^(y|ys|labels?|targets?|class|classes|digits?|arr_1)$/i;

/** What scipy.sparse.save_npz writes of every matrix but COO's. */
const SPARSE = ['format', 'shape', 'data'];

interface Parsed {
  readonly split: Split | undefined;
  /** The name without it. */
  readonly stem: string;
}

/** `x_train` → `x` of `train`. */
function parsed(name: string): Parsed {
  const found = SPLITS.find(([, form]) => form.test(name));
  if (!found) return { split: undefined, stem: name };
  return { split: found[0], stem: name.replace(found[1], '').replace(/^[_.-]/, '') };
}

/** The name of another split's array: `x_test` for `x_train`; undefined of a name without a split. */
function counterpart(name: string, split: 'train' | 'test'): string | undefined {
  const [, form] = SPLITS.find(([, each]) => each.test(name)) ?? [];
  if (!form) return undefined;
  return name.replace(form, (all, before: string) => {
    const old = all.slice(before.length);
    const said = /ing$/i.test(old) ? `${split}ing` : split;
    return before + (/^[A-Z]/.test(old) ? said.charAt(0).toUpperCase() + said.slice(1) : said);
  });
}

/**
 * What was asked for, else the only array, else the one whose name says that it is the data of this split
 * (`x_train`, `test_images`, `data`), else the only one that is more than a row of numbers. Classes are those
 * whose name says so beside it (`y_train`, `labels`), if there is one a row.
 *
 * @throws LatentGpuError `bad-input` for a name that is not there, or where several may be meant
 */
export function chooseArrays(
  arrays: readonly NpzArray[],
  wish: ArrayWish,
  archive: string,
): ArrayChoice {
  const names = new Set(arrays.map(({ name }) => name));
  if (SPARSE.every((name) => names.has(name)) && !wish.array) {
    throw new LatentGpuError(
      'bad-format',
      `${archive} is a sparse matrix of SciPy; save scipy.sparse.load_npz(path).toarray() with np.save`,
    );
  }
  const data =
    named(arrays, wish.array, wish.split, '--array', archive) ?? byRule(arrays, wish, archive);
  const { split } = parsed(data.name);
  const asked = named(arrays, wish.labels, wish.split, '--label-column', archive);
  const isOfOthers = asked && wish.labels?.isOptional && !hasOneEach(asked, data.shape[0] ?? 0);
  const labels = asked && !isOfOthers ? asked : labelsOf(arrays, data);
  const hasTest =
    split === 'train' &&
    arrays.some(({ name }) => name !== data.name && name === counterpart(data.name, 'test'));
  return { data, labels, hasTest };
}

function named(
  arrays: readonly NpzArray[],
  wanted: NamedArray | undefined,
  split: 'train' | 'test',
  option: string,
  archive: string,
): NpzArray | undefined {
  if (!wanted) return undefined;
  const at = (name: string | undefined) => arrays.find((array) => array.name === name);
  const found = wanted.isOptional
    ? (at(counterpart(wanted.name, split)) ?? at(wanted.name))
    : at(wanted.name);
  if (found || wanted.isOptional) return found;
  const names = arrays.map(({ name }) => name);
  throw new LatentGpuError(
    'bad-input',
    `${archive} has no array ${quote(wanted.name)} (${option}); did you mean ${quote(nearest(wanted.name, names) as string)}? It holds ${listed(arrays)}`,
  );
}

const isNumeric = ({ descr }: NpzArray) => /^[<>|=]?[fiub]\d/.test(descr);

function byRule(arrays: readonly NpzArray[], wish: ArrayWish, archive: string): NpzArray {
  const [first, second] = arrays;
  if (first && !second) return first;
  const least = wish.isSeries ? 1 : 2;
  const may = arrays.filter((array) => isNumeric(array) && array.shape.length >= least);
  for (const split of [wish.split, undefined, wish.split === 'test' ? 'train' : 'test'] as const) {
    const own = may.filter(({ name }) => parsed(name).split === split);
    const [data, another] = own.filter(({ name }) => OF_DATA.test(parsed(name).stem));
    if (data && !another) return data;
    const [only, more] = own.filter(({ name }) => !OF_LABELS.test(parsed(name).stem));
    if (only && !more) return only;
    if (another || more) break;
  }
  const name = may[0]?.name ?? first?.name;
  throw new LatentGpuError(
    'bad-input',
    `${archive} holds several arrays, ${listed(arrays)}; say which is the data, --array ${name}`,
  );
}

/** Whether there is one element a row. */
export const hasOneEach = ({ shape }: NpzArray, rows: number): boolean =>
  shape[0] === rows && shape.length >= 1 && shape.slice(1).every((length) => length === 1);

function labelsOf(arrays: readonly NpzArray[], data: NpzArray): NpzArray | undefined {
  const { split } = parsed(data.name);
  const found = arrays.filter((array) => {
    const own = parsed(array.name);
    const isOf = array !== data && own.split === split && OF_LABELS.test(own.stem);
    return (
      isOf && (isNumeric(array) || isNpyText(array.descr)) && hasOneEach(array, data.shape[0] ?? 0)
    );
  });
  return found.length === 1 ? found[0] : undefined;
}

const listed = (arrays: readonly NpzArray[]): string => {
  const shown = arrays.slice(0, 8).map(({ name, shape }) => `${name} [${shape.slice(0, 8)}]`);
  return `${shown.join(', ')}${arrays.length > shown.length ? ', …' : ''}`;
};
