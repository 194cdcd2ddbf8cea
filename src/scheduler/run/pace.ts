// How many steps a submission has: as many as keep it short.

/** One submission is kept this short, so that a browser neither stutters nor gives the GPU up. */
const SUBMISSION_MS = 120;
/** Where news of the GPU are slow, one is longer than these, or they would be all that is measured. */
const [ROUND_TRIPS, MOST_MS] = [2.5, 250];
/** However short they are. */
const MOST_STEPS = 256;
/** What the last submission says of a step's length, beside those before it. */
const NEWS = 0.3;

export class Pace {
  private readonly submissionMs: number;
  private stepMs: number | undefined;

  /** @param roundTrip milliseconds until the host hears that the GPU is done */
  constructor(roundTrip: number) {
    this.submissionMs = Math.max(SUBMISSION_MS, Math.min(MOST_MS, ROUND_TRIPS * roundTrip));
  }

  /** Steps of the next submission: one until it is known how long they are. */
  get steps(): number {
    if (this.stepMs === undefined) return 1;
    return Math.max(1, Math.min(MOST_STEPS, Math.floor(this.submissionMs / this.stepMs)));
  }

  /** Takes note of how long a step of the submission just done took. */
  note(stepMs: number): void {
    this.stepMs = this.stepMs === undefined ? stepMs : (1 - NEWS) * this.stepMs + NEWS * stepMs;
  }
}
