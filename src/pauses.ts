// Long work of the host shares it: a page answers clicks in between, a command its Ctrl-C.

/** How long nobody else gets a turn, in milliseconds. */
const TURN = 50;

export class Pauses {
  private since = performance.now();

  /** Gives others a turn if theirs is due. */
  async whenDue(): Promise<void> {
    if (performance.now() - this.since < TURN) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.since = performance.now();
  }
}
