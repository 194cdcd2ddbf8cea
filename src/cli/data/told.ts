// The classes that a conditional model is told on the command line, by their names.
import { Option } from 'commander';
import { UNKNOWN_CLASS } from '../../constants.ts';
import type { ImageDataset } from '../../data/dataset.ts';
import { LatentGpuError } from '../../errors.ts';
import { quote } from '../../formats/message.ts';
import type { Abilities, Model } from '../../models/index.ts';

export const labelOption = (help = 'of a conditional model: the class'): Option =>
  new Option('--label <class>', help);

type Condition = NonNullable<Abilities['condition']>;

const some = ({ classes }: Pick<Condition, 'classes'>) =>
  `${classes.slice(0, 12).join(', ')}${classes.length > 12 ? ', …' : ''}`;

/**
 * What a model is told.
 *
 * @param option that names classes
 * @throws LatentGpuError `bad-input` for a model that is told nothing
 */
export function conditionOf({ can }: Model, dir: string, option: string): Condition {
  if (can.condition) return can.condition;
  throw new LatentGpuError(
    'bad-input',
    `${dir} holds a model that is told no classes; leave out ${option}, or train a cvae`,
  );
}

/** The number of a class, by its name. @throws LatentGpuError `bad-input` that lists the classes */
export function classNamed(condition: Condition, name: string, option: string): number {
  const found = condition.classes.indexOf(name.trim());
  if (found >= 0) return found;
  throw new LatentGpuError(
    'bad-input',
    `${option}: there is no class ${quote(name.trim())}; there are ${some(condition)}`,
  );
}

/** The classes of a list such as `0-9` or `cat,dog`: names, or from one to another in their order. */
export function classesNamed(condition: Condition, list: string, option: string): number[] {
  return list.split(',').flatMap((part) => {
    const name = part.trim();
    if (condition.classes.includes(name)) return [classNamed(condition, name, option)];
    const ends = /^(.+?)\s*-\s*(.+)$/.exec(name)?.slice(1) ?? [name];
    const [from, to = from] = ends.map((end) => classNamed(condition, end, option));
    const length = (to as number) - (from as number) + 1;
    if (length < 1) {
      throw new LatentGpuError(
        'bad-input',
        `${option}: ${name} goes backwards; the classes are ${some(condition)}, in this order`,
      );
    }
    return Array.from({ length }, (_, i) => (from as number) + i);
  });
}

/**
 * The same class for `count` rows; of a model that is told none, nothing.
 *
 * @throws LatentGpuError `bad-input` for a class too many, or one that is missing
 */
export function toldTo(
  model: Model,
  dir: string,
  name: string | undefined,
  count: number,
): { labels?: Uint32Array } {
  if (name !== undefined) {
    const label = classNamed(conditionOf(model, dir, '--label'), name, '--label');
    return { labels: new Uint32Array(count).fill(label) };
  }
  const { condition } = model.can;
  if (!condition) return {};
  throw new LatentGpuError(
    'bad-input',
    `${dir} holds a conditional model; say what class to decode with --label: ${some(condition)}`,
  );
}

/**
 * @param dir of the model; undefined of one that is to be trained
 * @throws LatentGpuError `bad-input` for data whose classes a conditional model cannot be told
 */
export function checkClasses({ can }: Model, dir: string | undefined, dataset: ImageDataset): void {
  const { condition } = can;
  if (!condition) return;
  // What has a belief about classes need not be told them.
  const isNeeded = condition.ofCodes;
  if (!dataset.labels && isNeeded) {
    const who = dir === undefined ? 'the model is conditional' : `${dir} holds a conditional model`;
    throw new LatentGpuError(
      'bad-input',
      `${who}, and ${dataset.name} does not tell the classes of its rows; a table needs the column of classes that it was trained with, images a folder for each class`,
    );
  }
  checkKnown(condition, isNeeded, dir, dataset);
}

/**
 * @param dir of the model; undefined of one that is to be trained
 * @throws LatentGpuError `bad-input` for data with classes that a classifier, measured by them, does not know
 */
export function checkMeasured(
  { can: { predict } }: Model,
  dir: string | undefined,
  dataset: ImageDataset,
): void {
  if (predict?.kind === 'probabilities')
    checkKnown({ classes: predict.columns }, true, dir, dataset);
}

function checkKnown(
  condition: Pick<Condition, 'classes'>,
  isNeeded: boolean,
  dir: string | undefined,
  { labels, name, classNames }: ImageDataset,
): void {
  const row =
    labels?.findIndex(
      (label) => label >= condition.classes.length && (isNeeded || label !== UNKNOWN_CLASS),
    ) ?? -1;
  if (!labels || row < 0) return;
  const label = labels[row] as number;
  const what =
    label === UNKNOWN_CLASS
      ? `the class of row ${row} is missing`
      : `row ${row} is of class ${quote(classNames?.[label] ?? String(label))}`;
  const known = dir === undefined ? 'the rows to train on are' : `${dir} holds a model`;
  throw new LatentGpuError(
    'bad-input',
    `${name}: ${what}, and ${known} of ${some(condition)}; leave such rows out`,
  );
}
