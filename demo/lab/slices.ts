// Training in slices short enough that a page answers between them.
import type { Trainer, TrainingReport } from '../../src/index.ts';

const SLICE_MS = 120;
/** The state is kept for a lost device this often. */
const SNAPSHOT_SECONDS = 5;

export class Slices {
  /** A step's running mean; 0 before the first slice. */
  private stepMs = 0;

  get stepsPerSecond(): number {
    return this.stepMs > 0 ? 1000 / this.stepMs : 0;
  }

  async run(trainer: Trainer): Promise<TrainingReport> {
    const wanted = this.stepMs > 0 ? Math.max(1, Math.round(SLICE_MS / this.stepMs)) : 1;
    const began = performance.now();
    const report = await trainer.run(wanted, { snapshotAfter: SNAPSHOT_SECONDS });
    const ms = (performance.now() - began) / wanted;
    this.stepMs = this.stepMs === 0 ? ms : 0.7 * this.stepMs + 0.3 * ms;
    return report;
  }
}
