// The classes of rows of which some or all are unknown, for models that sort rows into those classes.
import { UNKNOWN_CLASS } from '../../constants.ts';
import { groupsOf } from './cluster.ts';
import type { Asked } from './interface.ts';
import type { RowSource } from './rows.ts';

/**
 * The class of each row: where nobody knows it, the likeliest by q(y | x) of a model that has one. [count]
 *
 * @example const labels = await knownClasses(asked, rows, 100);
 */
export async function knownClasses(
  { runtime, model }: Pick<Asked, 'runtime' | 'model'>,
  rows: RowSource,
  count: number,
): Promise<ArrayLike<number> | undefined> {
  const { labels } = rows;
  const { can } = model;
  if (!can.condition || !can.assign) return labels;
  const known = Array.from({ length: count }, (_, row) => labels?.[row] ?? UNKNOWN_CLASS);
  if (!known.includes(UNKNOWN_CLASS)) return labels;
  const found = await groupsOf(runtime, model, rows, count);
  return known.map((label, row) =>
    label === UNKNOWN_CLASS ? (found.labels[row] as number) : label,
  );
}
