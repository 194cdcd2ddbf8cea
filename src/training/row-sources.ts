// Where a step's rows lie on the GPU: in tables that it has whole, or in windows that the host fills.
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { addUint, batchRows, gather, iota, modUint, mulUint, step } from '../ops/index.ts';
import type { Runtime } from '../scheduler/index.ts';
import {
  arrayOf,
  bytesOfRow,
  elementsOfRow,
  type Stored,
  type StoredArray,
} from './stored-rows.ts';

/** Bytes of the rows that the GPU has at a time of data that do not stay there. */
const WINDOW_BYTES = 2 ** 24;
/** A submission has no more steps than this, so a window need not have more either. */
const WINDOW_STEPS = 256;

export interface RowSource {
  /** The most steps whose rows the GPU has at a time; undefined: it has all rows. */
  readonly windowSteps: number | undefined;
  /** This step's rows of what is stored, [batch, width], from a table of this name. */
  pick(name: string, stored: Stored): Tensor;
  /** Writes what the GPU has from the beginning. */
  load(runtime: Runtime): void;
  /** Writes the rows of `count` steps, at most `windowSteps`, from step `from` on. */
  feed(runtime: Runtime, from: number, count: number): void;
}

const tableOf = (name: string, rows: number, { width, dtype }: Stored): Variable =>
  variable(name, [rows, width], { dtype, role: 'data' });

/** Tables that the GPU has whole. */
export class ResidentSource implements RowSource {
  readonly windowSteps = undefined;
  private readonly count: number;
  private readonly rows: () => Tensor;
  private readonly tables: [Variable, Stored][] = [];

  /** @param rows the numbers of this step's rows, [batch] */
  constructor(count: number, rows: () => Tensor) {
    this.count = count;
    this.rows = rows;
  }

  pick(name: string, stored: Stored): Tensor {
    const table = tableOf(name, this.count, stored);
    this.tables.push([table, stored]);
    return gather(table, this.rows());
  }

  load(runtime: Runtime): void {
    for (const [table, stored] of this.tables) runtime.write(table, stored.all());
  }

  feed(): void {}
}

export interface Stream {
  /** Rows of the data set, and of a batch. */
  readonly count: number;
  readonly batch: number;
  readonly perEpoch: number;
  /** Of the permutation. */
  readonly words: readonly [number, number];
  /** What the windows of the data may take, and a row of them. */
  readonly bytes: number;
  readonly rowBytes: number;
}

/** Windows of the next steps: the host follows the permutation of the GPU and fills them. */
export class StreamedSource implements RowSource {
  readonly windowSteps: number;
  private readonly stream: Stream;
  private readonly windows: Window[] = [];

  constructor(stream: Stream) {
    const { batch, perEpoch, bytes, rowBytes } = stream;
    const budget = Math.min(WINDOW_BYTES, bytes);
    const steps = Math.min(WINDOW_STEPS, perEpoch, Math.floor(budget / (batch * rowBytes)));
    this.windowSteps = Math.max(1, steps);
    this.stream = stream;
  }

  pick(name: string, stored: Stored): Tensor {
    const { windowSteps } = this;
    const { batch } = this.stream;
    const table = tableOf(name, windowSteps * batch, stored);
    this.windows.push(new Window(table, stored, batch, windowSteps));
    return gather(table, addUint(mulUint(modUint(step, windowSteps), batch), iota(batch)));
  }

  load(): void {}

  feed(runtime: Runtime, from: number, count: number): void {
    const { windows } = this;
    const { count: rows, batch, words } = this.stream;
    for (let s = from; s < from + count; s++) {
      const wanted = batchRows(rows, batch, words, s);
      for (const window of windows) window.stage(s, wanted);
    }
    for (const window of windows) window.send(runtime, from, count);
  }
}

/** Rows in a ring of steps: those of step s lie in its place s mod `steps`. */
class Window {
  private readonly table: Variable;
  private readonly stored: Stored;
  private readonly batch: number;
  private readonly steps: number;
  /** Elements of a row as the GPU has it. */
  private readonly elements: number;
  private staged: StoredArray | undefined;

  constructor(table: Variable, stored: Stored, batch: number, steps: number) {
    this.table = table;
    this.stored = stored;
    this.batch = batch;
    this.steps = steps;
    this.elements = elementsOfRow(stored);
  }

  stage(at: number, rows: ArrayLike<number>): void {
    const { batch, elements, stored } = this;
    this.staged ??= arrayOf(stored, this.steps * batch * elements);
    const place = (at % this.steps) * batch;
    for (let i = 0; i < batch; i++) {
      stored.copy(rows[i] as number, this.staged, (place + i) * elements);
    }
  }

  /** The queue keeps the order: rows that a step submitted before still reads stay until it is done. */
  send(runtime: Runtime, from: number, count: number): void {
    const { batch, steps, elements, staged } = this;
    const { buffer, byteOffset } = runtime.storageOf(this.table);
    const stepBytes = batch * bytesOfRow(this.stored);
    for (let done = 0; done < count; ) {
      const place = (from + done) % steps;
      const run = Math.min(count - done, steps - place);
      const [start, end] = [place, place + run].map((p) => p * batch * elements);
      const part = (staged as StoredArray).subarray(start, end);
      runtime.device.write(buffer, byteOffset + place * stepBytes, part);
      done += run;
    }
  }
}
