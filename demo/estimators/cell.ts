// One estimator at one K: its draws as they come in.
import { ops, type Variable } from '../../src/index.ts';
import type { LabRuntime } from '../lab/host-runtime.ts';
import { replay } from '../lab/replay.ts';
import { Stage } from './stage.ts';
import type { Estimator } from './table.ts';
import type { Toy } from './toys.ts';

export type Part = 'encoder' | 'decoder';
export const PARTS: readonly Part[] = ['encoder', 'decoder'];

/** Draws that are kept for a histogram. */
const KEPT = 4096;

/** Moments of a stream of numbers, and the last of them. */
export class Stream {
  count = 0;
  private first = 0;
  private second = 0;
  private readonly kept = new Float32Array(KEPT);

  add(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      this.kept[this.count % KEPT] = value;
      this.count += 1;
      // Welford.
      const off = value - this.first;
      this.first += off / this.count;
      this.second += off * (value - this.first);
    }
  }

  get draws(): Float32Array {
    return this.kept.subarray(0, Math.min(KEPT, this.count));
  }

  get mean(): number {
    return this.first;
  }

  get variance(): number {
    return this.count > 1 ? this.second / (this.count - 1) : Number.NaN;
  }

  get deviation(): number {
    return Math.sqrt(this.variance);
  }

  /** |mean| / deviation. */
  get signalToNoise(): number {
    return Math.abs(this.mean) / this.deviation;
  }

  /** About the relative standard error of the signal-to-noise ratio. */
  get uncertainty(): number {
    if (this.count < 2) return Number.POSITIVE_INFINITY;
    const ratio = this.signalToNoise;
    return Math.sqrt((1 + (ratio * ratio) / 2) / this.count) / Math.max(ratio, 1e-6);
  }
}

export class Cell {
  readonly estimator: Estimator;
  readonly samples: number;
  parts: Record<Part, Stream> = { encoder: new Stream(), decoder: new Stream() };
  private readonly stage: Stage;

  private constructor(estimator: Estimator, samples: number, stage: Stage) {
    this.estimator = estimator;
    this.samples = samples;
    this.stage = stage;
  }

  static async open(
    runtime: LabRuntime,
    estimator: Estimator,
    samples: number,
    makeToy: (rows: number) => Toy,
    numbers: number,
    temperature: Variable,
  ): Promise<Cell> {
    const rows = Math.max(32, Math.min(8192, Math.floor(numbers / samples)));
    const stage = await Stage.open(runtime, rows, makeToy, (toy) => {
      const { surrogate } = estimator.of(toy, samples, temperature);
      const learned = [toy.encoder[0] as Variable, toy.bias];
      const [first, bias] = ops.gradient(ops.sum(surrogate), learned);
      if (!first || !bias) throw new Error('an objective has two gradients');
      return {
        outputs: { encoder: ops.slice(first, 1, toy.measured, toy.measured + 1), decoder: bias },
        effects: [ops.assign(ops.step, ops.addUint(ops.step, 1))],
      };
    });
    return new Cell(estimator, samples, stage);
  }

  /** Puts the toy `off` from its posterior, and forgets what was drawn. */
  place(off: number): void {
    this.stage.place(off);
    this.forget();
  }

  forget(): void {
    this.parts = { encoder: new Stream(), decoder: new Stream() };
  }

  async draw(): Promise<void> {
    const { parts, stage } = this;
    const values = await replay(stage.plan, ...PARTS);
    for (const [i, part] of PARTS.entries()) parts[part].add(values[i] as ArrayLike<number>);
  }
}
