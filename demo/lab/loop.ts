// One thing after the other: what the visitor asks for, and between that turn after turn.

/** After this nobody waits any longer for what was under way when the page was left. */
const STUCK_MS = 5000;

export class Loop {
  /** Jobs and turns that were begun, and those that have ended. */
  private begun = 0;
  private ended = 0;
  private jobs: (() => Promise<void>)[] = [];
  private wake: () => void = () => {};
  private readonly turn: () => Promise<boolean>;
  private readonly failed: (error: unknown) => void;
  private readonly switched: (on: boolean) => void;
  private readonly rest: () => number;
  private on = false;

  /**
   * @param turn returns whether there is anything left to do
   * @param switched called where turns begin or end
   * @param rest milliseconds between turns
   */
  constructor(
    turn: () => Promise<boolean>,
    switched: (on: boolean) => void,
    failed: (error: unknown) => void,
    rest: () => number,
  ) {
    this.turn = turn;
    this.switched = switched;
    this.failed = failed;
    this.rest = rest;
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.beAwake();
    });
    void this.live();
  }

  get isOn(): boolean {
    return this.on;
  }

  set isOn(on: boolean) {
    if (on === this.on) return;
    this.on = on;
    this.switched(on);
    this.wake();
  }

  /** Does some work as soon as what is under way is done. */
  do(job: () => Promise<void>): void {
    this.jobs.push(job);
    this.wake();
  }

  /** Resolves when somebody wants something, or after some milliseconds. */
  private called(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Firefox forgets what a page waited for on the GPU when it was left: it is loaded again, with its settings. */
  private beAwake(): void {
    const { begun } = this;
    if (begun === this.ended) return;
    setTimeout(() => {
      if (this.ended < begun) location.reload();
    }, STUCK_MS);
  }

  private async work<T>(what: () => Promise<T>): Promise<T> {
    this.begun += 1;
    try {
      return await what();
    } finally {
      this.ended += 1;
    }
  }

  private async live(): Promise<never> {
    for (;;) {
      const job = this.jobs.shift();
      try {
        if (job) await this.work(job);
        else if (this.on) {
          // A tab that nobody sees has no frames, and waits.
          await new Promise(requestAnimationFrame);
          if (!this.on || this.jobs.length > 0) continue;
          if (!(await this.work(this.turn))) this.isOn = false;
          else if (this.rest() > 20) await this.called(this.rest());
        } else await this.called();
      } catch (error) {
        this.isOn = false;
        this.failed(error);
      }
    }
  }
}
