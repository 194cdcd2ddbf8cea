// Rows of data as the batch that a model's graphs take, written before each run of a plan.
import { input, type Variable } from '../../graph/variable.ts';
import type { Batch } from '../../nn/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import type { Model } from '../family.ts';
import { fullBatch, type RowSource } from './rows.ts';

export class Feed {
  readonly batch: Batch;
  readonly size: number;
  private readonly x: Variable;
  private readonly mask: Variable | undefined;
  private numbers: Variable | undefined;

  /**
   * @param size rows of a batch
   * @param rows that it is to be written with: whether they have a mask decides whether the batch does
   */
  constructor({ features }: Pick<Model, 'features'>, size: number, rows?: RowSource, name = 'x') {
    this.size = size;
    this.x = input(name, [size, features]);
    this.mask = rows?.mask && input('mask', [size, features]);
    const numbers = () => {
      this.numbers ??= input('rows', [size], 'u32');
      return this.numbers;
    };
    this.batch = {
      x: this.x,
      ...(this.mask && { mask: this.mask }),
      // Only a graph that asks for them needs them written.
      get rows() {
        return numbers();
      },
    };
  }

  /** Rows `start` to `end`, the last repeated in number and zero in value until the batch is full. */
  write(runtime: Runtime, rows: RowSource, start: number, end: number): void {
    runtime.write(this.x, fullBatch(rows, start, end, this.size));
    if (this.mask && rows.mask) {
      runtime.write(this.mask, fullBatch(rows.mask, start, end, this.size));
    }
    if (!this.numbers) return;
    const at = Uint32Array.from({ length: this.size }, (_, i) => {
      const place = Math.min(start + i, end - 1);
      return rows.numbers?.[place] ?? place;
    });
    runtime.write(this.numbers, at);
  }

  release(runtime: Runtime): void {
    runtime.release(this.x);
    if (this.mask) runtime.release(this.mask);
    if (this.numbers) runtime.release(this.numbers);
  }
}
