// What the page has asked for and the session has not done yet.
import type { Request } from '../protocol.ts';

/** Requests of which only the latest counts. */
const REPLACING: readonly Request['type'][] = [
  'point',
  'tune',
  'interpolate',
  'plane',
  'train',
  'reset',
];

export class Requests {
  private queue: Request[] = [];
  private arrived: () => void = () => {};

  push(request: Request): void {
    if (REPLACING.includes(request.type)) {
      this.queue = this.queue.filter(({ type }) => type !== request.type);
    }
    this.queue.push(request);
    this.wake();
  }

  take(): Request | undefined {
    return this.queue.shift();
  }

  /** Resolves when something is asked for, when it is woken, or after some milliseconds. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, ms));
      this.arrived = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  wake(): void {
    this.arrived();
  }
}
