// Training in slices short enough that a page answers between them.
import type { Trainer, TrainingReport } from '../../src/index.ts';

const SLICE_MS = 120;
/** A slice ends with waits for the GPU; where its news are slow, it is longer, or it would be nothing else. */
const ROUND_TRIPS = 5;
/** The state is kept for a lost device this often. */
const SNAPSHOT_SECONDS = 5;

/** @param usual milliseconds of a slice where the GPU is heard of at once */
export async function sliceMs({ runtime }: Trainer, usual: number): Promise<number> {
  return Math.max(usual, ROUND_TRIPS * (await runtime.device.roundTrip()));
}

export class Slices {
  /** A step's running mean; 0 before the first slice. */
  private stepMs = 0;

  async run(trainer: Trainer): Promise<TrainingReport> {
    const goal = await sliceMs(trainer, SLICE_MS);
    const wanted = this.stepMs > 0 ? Math.max(1, Math.round(goal / this.stepMs)) : 1;
    const began = performance.now();
    const report = await trainer.run(wanted, { snapshotAfter: SNAPSHOT_SECONDS });
    const ms = (performance.now() - began) / wanted;
    this.stepMs = this.stepMs === 0 ? ms : 0.7 * this.stepMs + 0.3 * ms;
    return report;
  }
}
