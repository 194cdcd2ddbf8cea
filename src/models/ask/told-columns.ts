// Columns that a model is told of rows whose codes are decoded.
import type { Runtime } from '../../scheduler/index.ts';
import type { Model } from '../model.ts';
import { type RowSource, type Rows, rowsOf } from './rows.ts';

/** What is told: values of columns, by their places, as the model sees them; rows that have the rest of them. */
export interface ToldOptions {
  /** Of a model that is told columns: values of some, for all rows. */
  readonly where?: ReadonlyMap<number, number>;
  /** Rows [count, D] whose columns are told. Default: those that the model has kept, in turn. */
  readonly told?: Rows;
}

/** The same rows, with what the model is to be told of them; of a model that is told nothing, as they are. */
export async function withTold(
  rows: RowSource,
  count: number,
  { model, runtime }: { readonly model: Model; readonly runtime: Runtime },
  { where, told }: ToldOptions,
): Promise<RowSource> {
  const { given } = model.can;
  if (!given) return rows;
  const { columns } = given;
  const { features } = model;
  const kept = told ? undefined : ((await runtime.read(given.kept)) as Float32Array);
  const source = told && rowsOf('rows', told, count, features);
  const of = (start: number, end: number) => {
    const whole = new Float32Array((end - start) * features);
    if (source) whole.set(source(start, end));
    const numbers = kept ? kept.length / columns.length : 1;
    for (let row = start; row < end; row++) {
      columns.forEach((column, j) => {
        const at = (row - start) * features + column;
        if (kept) whole[at] = kept[(row % numbers) * columns.length + j] as number;
        const value = where?.get(column);
        if (value !== undefined) whole[at] = value;
      });
    }
    return whole;
  };
  const { numbers, mask, labels } = rows;
  const same = (start: number, end: number) => rows(start, end);
  return Object.assign(same, {
    told: of,
    ...(numbers && { numbers }),
    ...(mask && { mask }),
    ...(labels && { labels }),
  });
}
