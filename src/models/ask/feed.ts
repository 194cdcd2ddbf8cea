// Rows of data as the batch that a model's graphs take, written before each run of a plan.
import { input, type Variable } from '../../graph/variable.ts';
import type { Batch } from '../../nn/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import type { Model } from '../model.ts';
import { labelsOf } from './labels.ts';
import { fullBatch, type RowSource } from './rows.ts';

/** A model as far as its rows go. */
type Fed = Pick<Model, 'features'> & Partial<Pick<Model, 'can'>>;

/**
 * The batch that a model's graphs take, as inputs to be written before each run of a plan.
 *
 * ```ts
 * const feed = new Feed(model, 100, rows);
 * const { mean } = objectives.posteriorOf(model, feed.batch);
 * const plan = await runtime.compile({ outputs: { mean } });
 * feed.write(runtime, rows, 0, 100);
 * await plan.run();
 * ```
 */
export class Feed {
  readonly batch: Batch;
  readonly size: number;
  private readonly x: Variable;
  private readonly mask: Variable | undefined;
  private numbers: Variable | undefined;
  private labels: Variable | undefined;
  private readonly model: Fed;

  /**
   * @param size rows of a batch
   * @param rows that it is to be written with: whether they have a mask and classes decides whether the
   *   batch does
   */
  constructor(model: Fed, size: number, rows?: RowSource, name = 'x') {
    const { features } = model;
    this.model = model;
    this.size = size;
    this.x = input(name, [size, features]);
    this.mask = rows?.mask && input('mask', [size, features]);
    const numbers = () => {
      this.numbers ??= input('rows', [size], 'u32');
      return this.numbers;
    };
    const isLabelled = !rows || rows.labels !== undefined || this.isConditional;
    const labels = () => {
      this.labels ??= isLabelled ? input('labels', [size], 'u32') : undefined;
      return this.labels;
    };
    this.batch = {
      x: this.x,
      ...(this.mask && { mask: this.mask }),
      // Only a graph that asks for them needs them written.
      get rows() {
        return numbers();
      },
      get labels() {
        return labels();
      },
    };
  }

  private get isConditional(): boolean {
    return this.model.can?.condition?.ofCodes === true;
  }

  /** Rows `start` to `end`, the last repeated in number and zero in value until the batch is full. */
  write(runtime: Runtime, rows: RowSource, start: number, end: number): void {
    runtime.write(this.x, fullBatch(rows, start, end, this.size));
    if (this.mask && rows.mask) {
      runtime.write(this.mask, fullBatch(rows.mask, start, end, this.size));
    }
    if (this.labels) {
      const part = { start, end, size: this.size, isNeeded: this.isConditional };
      runtime.write(this.labels, labelsOf(this.model, rows, part));
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
    if (this.labels) runtime.release(this.labels);
  }
}
