// The classes of rows, as a model is told them.
import { UNKNOWN_CLASS } from '../../constants.ts';
import { LatentGpuError } from '../../errors.ts';
import type { ConditionAbility } from '../abilities.ts';
import type { Model } from '../model.ts';
import type { RowSource } from './rows.ts';

/** Which of a source's rows, and how many places there are for them. */
interface Part {
  readonly start: number;
  readonly end: number;
  readonly size: number;
  /** Whether the class of each of them has to be known. */
  readonly isNeeded: boolean;
}

/**
 * The classes of some rows, followed by the first class until all places are taken.
 *
 * @throws LatentGpuError `bad-input` for rows without classes, or of others than the model's
 */
export function labelsOf(
  { can }: Partial<Pick<Model, 'can'>>,
  { labels }: RowSource,
  { start, end, size, isNeeded }: Part,
): Uint32Array {
  const { condition, predict } = can ?? {};
  // A classifier is measured by classes that it knows.
  const measured = predict?.kind === 'probabilities' ? predict.columns : undefined;
  const known = condition?.classes ?? measured;
  if (!labels) {
    throw new LatentGpuError(
      'bad-input',
      'the model is conditional and has to be told the class of each row, which these rows lack; name one, or data with classes',
    );
  }
  const classes = known?.length ?? Number.POSITIVE_INFINITY;
  const mayLack = !isNeeded && (condition !== undefined || !measured);
  const told = new Uint32Array(size);
  for (let row = start; row < end; row++) {
    const label = labels[row] as number;
    if (!(label < classes || (mayLack && label === UNKNOWN_CLASS))) {
      throw new LatentGpuError(
        'bad-input',
        label === UNKNOWN_CLASS
          ? `the class of row ${row} is not known, and the model has to be told it`
          : `row ${row} is of class ${label} (from 0), and the model knows ${classes}: ${known?.join(', ')}`,
      );
    }
    told[row - start] = label;
  }
  return told;
}

/** The same rows, of the given classes. */
export function ofClasses(rows: RowSource, labels: ArrayLike<number> | undefined): RowSource {
  if (!labels) return rows;
  const { numbers, mask } = rows;
  const same = (start: number, end: number) => rows(start, end);
  return Object.assign(same, { labels, ...(numbers && { numbers }), ...(mask && { mask }) });
}

/**
 * Every class in turn, for draws of which nobody has said what they are to be: [count].
 *
 * @example classesInTurn({ classes: ['cat', 'dog'], ofCodes: false }, 3) // [0, 1, 0]
 */
export const classesInTurn = ({ classes }: ConditionAbility, count: number): Uint32Array =>
  Uint32Array.from({ length: count }, (_, i) => i % classes.length);
