// What a trainer is asked to do, and what it tells.
export interface TrainingReport {
  /** Steps done since the run began. */
  readonly step: number;
  readonly epoch: number;
  /** Means over the steps since the last report. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Updates skipped so far because their gradient was not usable. */
  readonly skipped: number;
}

export interface Progress {
  /** Steps done since the run began. */
  readonly step: number;
  /** Means over the steps since the last call. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface RunOptions {
  /** Called a few times a second. */
  onProgress?: (progress: Progress) => void;
  /** Stops after the submission under way. */
  signal?: AbortSignal;
  /**
   * The state is brought to the host at the end of the run if the last one there is at least so many
   * seconds old. A lost device then costs the steps since, which are done again: variables that the
   * caller wrote in the meantime are not. Default: 0, at the end of every run.
   */
  snapshotAfter?: number;
}
