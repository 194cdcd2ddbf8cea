// One thing after the other: what the visitor asks for, and between that turn after turn.

export class Loop {
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

  private async live(): Promise<never> {
    for (;;) {
      const job = this.jobs.shift();
      try {
        if (job) await job();
        else if (this.on) {
          // A tab that nobody sees has no frames, and waits.
          await new Promise(requestAnimationFrame);
          if (!this.on || this.jobs.length > 0) continue;
          if (!(await this.turn())) this.isOn = false;
          else if (this.rest() > 20) await this.called(this.rest());
        } else await this.called();
      } catch (error) {
        this.isOn = false;
        this.failed(error);
      }
    }
  }
}
