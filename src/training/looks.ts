// How many steps the GPU takes by itself between two looks of the host.
import { HISTORY } from './step.ts';

/** The host looks about this often. */
const LOOK_MS = 400;
/** Steps that a device takes before it is known how long they are. */
const FIRST = 8;

export class Looks {
  private chunk = FIRST;

  /** Steps until the next look. */
  get steps(): number {
    return this.chunk;
  }

  /** Nothing is known of a new device. */
  begin(): void {
    this.chunk = FIRST;
  }

  /** Takes note of how long some steps took; fewer than asked for say nothing. */
  note(ran: number, ms: number): void {
    if (ran !== this.chunk) return;
    const factor = Math.min(4, Math.max(0.25, LOOK_MS / ms));
    this.chunk = Math.min(HISTORY, Math.max(1, Math.round(ran * factor)));
  }
}
