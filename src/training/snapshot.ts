// The last good state of a run, on the host, and how old it is.
import type { TrainerState } from './state.ts';

/** A long run's state comes to the host this often, so that a lost device costs no more. */
const SNAPSHOT_SECONDS = 30;

export class Snapshot {
  private held: TrainerState | undefined;
  private at = performance.now();

  constructor(state?: TrainerState) {
    this.held = state;
  }

  get state(): TrainerState | undefined {
    return this.held;
  }

  keep(state: TrainerState): void {
    this.held = state;
    this.begin();
  }

  /** Its age counts from now on. */
  begin(): void {
    this.at = performance.now();
  }

  /** Whether it is so many seconds old. */
  isOlder(seconds: number): boolean {
    return performance.now() - this.at >= 1000 * seconds;
  }

  /** Whether a run that goes on is to take another. @param least seconds, if they are more */
  isDue(least: number): boolean {
    return this.isOlder(Math.max(SNAPSHOT_SECONDS, least));
  }
}
