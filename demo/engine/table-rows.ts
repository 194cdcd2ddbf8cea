// Rows of the visitor's table as it has them: numbers in its own units, words.
import { columnsOf, levelOf } from '../../src/categories.ts';
import type { Row } from '../protocol.ts';
import type { DataSplit } from './data.ts';

/** A page has no room for more columns. */
const MOST_COLUMNS = 12;
const MOST_DIGITS = 8;

export class TableRows {
  readonly headings: readonly string[];
  /** After the point, of each column: what tells two figures of its deviation. */
  readonly digits: readonly number[];
  /** Of the table, shown or not. */
  readonly columns: number;
  private readonly data: DataSplit;
  private readonly places: ReturnType<typeof columnsOf>;

  constructor(data: DataSplit) {
    const { categories, columns, shape } = data.train;
    const all = columnsOf(shape[0] as number, categories);
    this.data = data;
    this.columns = all.length;
    this.places = all.slice(0, MOST_COLUMNS);
    this.headings = this.places.map((each, i) =>
      typeof each === 'number' ? (columns?.[each] ?? String(i + 1)) : each.column,
    );
    this.digits = this.places.map((each) => {
      const std = typeof each === 'number' ? this.std(each) : 1;
      return Math.min(MOST_DIGITS, Math.max(0, 1 - Math.floor(Math.log10(std))));
    });
  }

  private std(feature: number): number {
    return this.data.standardization?.std[feature] ?? 1;
  }

  /** The first of rows [n, D] as the model sees them; of a word that has probabilities, the likeliest. */
  of(rows: Float32Array, count: number): Row[] {
    const { train, standardization } = this.data;
    const [width = 1] = train.shape;
    return Array.from({ length: count }, (_, row) =>
      this.places.map((each) => {
        if (typeof each !== 'number') return levelOf(rows, row * width, each);
        const mean = standardization?.mean[each] ?? 0;
        return mean + this.std(each) * (rows[row * width + each] as number);
      }),
    );
  }
}
