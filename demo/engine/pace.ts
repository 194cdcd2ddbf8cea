// How many steps the session trains before it listens again.
import type { Trainer, TrainingReport } from '../../src/index.ts';
import { sliceMs } from '../lab/slices.ts';

/** Training goes on this long before the session listens again. */
const SLICE_MS = 200;
/** The state is kept for a lost device this often: slices are short, and the state is large. */
const SNAPSHOT_SECONDS = 2;
/** After a touch of the map, slices are single steps for so long. */
const ATTENTION_MS = 250;

export class Pace {
  /** A step's running mean; 0 before the first. */
  private stepMs = 0;
  private attentionUntil = 0;

  /** For another model, whose steps take another time. */
  reset(): void {
    this.stepMs = 0;
  }

  /** Somebody moves something, and wants to see it follow. */
  attend(): void {
    this.attentionUntil = performance.now() + ATTENTION_MS;
  }

  get stepsPerSecond(): number {
    return this.stepMs > 0 ? 1000 / this.stepMs : 0;
  }

  /** Trains for a slice. */
  async slice(trainer: Trainer): Promise<TrainingReport> {
    const isWatched = performance.now() < this.attentionUntil;
    const goal = await sliceMs(trainer, SLICE_MS);
    const wanted = this.stepMs > 0 && !isWatched ? Math.round(goal / this.stepMs) : 1;
    const before = trainer.step;
    const began = performance.now();
    const report = await trainer.run(Math.max(1, wanted), { snapshotAfter: SNAPSHOT_SECONDS });
    const ms = (performance.now() - began) / Math.max(1, trainer.step - before);
    // The first step also warms everything up, and single steps pay for a whole report.
    if (before > 0 && !(isWatched && this.stepMs > 0)) {
      this.stepMs = this.stepMs === 0 ? ms : 0.8 * this.stepMs + 0.2 * ms;
    }
    return report;
  }
}
